// `bake --list`: the targets and groups, or the variables, that files define.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "frontend/bake/definition.h"

namespace slipway::bake {

struct ListRequest {
  enum class Type { Targets, Variables };
  Type type = Type::Targets;
  bool json = false;  // else a table
};

// "targets", "variables", "type=variables,format=json".
Result<ListRequest> parse_list_request(std::string_view text);

// The text to print, sorted by name. Targets and groups whose name begins with "_" are private.
std::string list(const Definitions& definitions, const ListRequest& request);

}  // namespace slipway::bake
