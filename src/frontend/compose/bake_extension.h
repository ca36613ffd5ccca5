// x-bake: what bake knows and compose does not. Internal to the compose reader.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "frontend/bake/definition.h"
#include "yaml/value.h"

namespace slipway::compose {

using yaml::Value;

using ContextReader = std::function<Result<std::string>(const Value& path)>;

// Adds what the extension says to the target. `path` is where it stands, for errors.
Status add_bake_extension(const Value& extension, const std::string& path,
                          const ContextReader& context, bake::TargetDefinition& target);

}  // namespace slipway::compose
