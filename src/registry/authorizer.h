// Authorizer: turns a registry's challenges and the user's credentials into Authorization headers
// (distribution's token authentication, and HTTP Basic). Thread-safe; each token is fetched once.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "registry/challenge.h"
#include "registry/credentials.h"
#include "registry/endpoint.h"
#include "registry/http.h"

namespace slipway::registry {

// "repository:library/busybox:pull", ... what a request needs to be allowed.
using Scopes = std::vector<std::string>;

class Authorizer {
 public:
  Authorizer(HttpClient& http, CredentialStore& credentials)
      : http_(http), credentials_(credentials) {}

  // The Authorization header for a request, empty when none is known to be needed. Fetches a token
  // when the server has asked for one before.
  Result<std::string> header(const Endpoint& endpoint, const std::string& repository,
                             const Scopes& scopes, std::stop_token stop);
  // Learns from a 401 to a request that carried `used` (may be empty). False when asking again
  // makes no sense: nothing better to show.
  Result<bool> learn(const Endpoint& endpoint, const HttpResponse& denied, const std::string& used,
                     const Scopes& scopes);

  // What to tell a user who was denied.
  std::string hint(const Endpoint& endpoint);

 private:
  struct Token {
    std::mutex fetching;  // held while somebody fetches
    std::string text;     // guarded by `fetching`
    std::chrono::steady_clock::time_point expires;
  };
  struct Host {
    std::vector<Challenge> challenges;
    // Co-owned by the map and by the threads that wait for the token.
    std::map<Scopes, std::shared_ptr<Token>> tokens;
  };

  Result<std::string> bearer_header(const Endpoint& endpoint, const std::string& repository,
                                    const Challenge& challenge, const Scopes& scopes,
                                    std::stop_token stop);
  Status fetch_token(const Endpoint& endpoint, const std::string& repository,
                     const Challenge& challenge, const Scopes& scopes, Token& token,
                     std::stop_token stop);

  HttpClient& http_;
  CredentialStore& credentials_;
  Guarded<std::map<std::string, Host>> hosts_;
};

}  // namespace slipway::registry
