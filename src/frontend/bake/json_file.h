// docker-bake.json: groups, targets and variables.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "frontend/bake/definition.h"
#include "frontend/bake/override.h"

namespace slipway::bake {

// Reads one file. Texts may hold ${NAME} of a variable: its value in the environment, else its
// default. Functions, matrices and other expressions of HCL are refused by name.
Result<Definitions> read_json(std::string_view text, const std::string& file,
                              const EnvironmentLookup& environment);

}  // namespace slipway::bake
