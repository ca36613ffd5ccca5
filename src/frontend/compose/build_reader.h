// The `build` of one service -> a bake target. Internal to the compose reader.
#pragma once

#include <string>

#include "base/result.h"
#include "frontend/bake/definition.h"
#include "frontend/compose/compose.h"
#include "frontend/compose/model.h"

namespace slipway::compose {

// `build` is in its long form. The target has no name yet.
Result<bake::TargetDefinition> read_build(const std::string& service, const Value& definition,
                                          const Value& build, const Model& model,
                                          const Options& options);

}  // namespace slipway::compose
