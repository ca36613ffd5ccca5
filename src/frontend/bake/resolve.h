// Definitions -> the targets to build: groups, inheritance, overrides, links between targets.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "frontend/bake/definition.h"
#include "frontend/bake/override.h"
#include "frontend/bake/target.h"

namespace slipway::bake {

// Where a directory of a definition is that was not read here: "sub" is
// "https://host/repo.git#:sub".
using Elsewhere = std::function<Result<std::string>(const std::string& directory)>;

struct Request {
  std::vector<std::string> targets;  // names or patterns of targets and groups; empty: "default"
  std::vector<std::string> set;      // --set, in order
  CommonFlags flags;
  // "-" may be the context or the Dockerfile: of one target, not of a bake file.
  bool stdin_allowed = false;
  // Null: the definition was read here. Else only what begins with "cwd://" is here.
  Elsewhere elsewhere = {};
};

// Complete definitions: nothing is inherited any more, context and Dockerfile have their defaults.
struct Resolved {
  std::map<std::string, Group> groups;  // those named, and "default": what was asked for
  std::map<std::string, TargetDefinition> targets;
  Elsewhere elsewhere = {};  // as asked for: named contexts are still as they were written
};

Result<Resolved> resolve(const Definitions& definitions, const Request& request,
                         const EnvironmentLookup& environment);

// What the engine builds. Refuses what it does not do, by name and line.
Result<std::vector<Target>> to_targets(const Resolved& resolved);

// The JSON of `bake --print`, byte for byte buildx's.
std::string print(const Resolved& resolved);

}  // namespace slipway::bake
