// --set PATTERN.KEY[.SUBKEY][+]=VALUE, and the flags that are short for it, with buildx's rules.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "frontend/bake/definition.h"

namespace slipway::bake {

struct Override {
  std::string value;
  std::vector<std::string> values;  // of keys that hold lists
  bool append = false;
  bool clear = false;
};

// By target, then by "key" or "key.subkey".
using Overrides = std::map<std::string, std::map<std::string, Override>>;

using EnvironmentLookup = std::function<std::optional<std::string>(const std::string& name)>;

// Reads --set texts; their patterns ("*" and "?") are matched against the targets that are
// defined. "target.args.NAME" without a value takes it from the environment.
Result<Overrides> parse_overrides(const std::vector<std::string>& texts,
                                  const Definitions& definitions,
                                  const EnvironmentLookup& environment);

Status apply_overrides(const std::map<std::string, Override>& overrides, TargetDefinition& target);

// The flags of `bake` (and `build`) that override all targets.
struct CommonFlags {
  bool push = false;
  bool load = false;
  std::optional<bool> no_cache;
  std::optional<bool> pull;
  std::string sbom;        // "true", "false", a generator's attributes; empty: not given
  std::string provenance;  // likewise
};
// As --set texts, to go after the user's own.
std::vector<std::string> override_texts(const CommonFlags& flags);

// Go's path.Match: "*", "?", "[a-z]" and "\"; no "/" is special in a target's name.
Result<bool> name_matches(std::string_view pattern, std::string_view name);

}  // namespace slipway::bake
