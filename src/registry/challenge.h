// What a registry answers with 401: WWW-Authenticate (RFC 7235, and distribution's token spec).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace slipway::registry {

struct Challenge {
  enum class Scheme { Basic, Bearer };
  Scheme scheme = Scheme::Basic;
  std::string realm;
  std::string service;
  std::string scope;
};

// The challenges of one header, in order; schemes that we do not speak and broken ones are left
// out.
std::vector<Challenge> parse_challenges(std::string_view header);

}  // namespace slipway::registry
