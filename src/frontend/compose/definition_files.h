// All files of one `bake`: compose files and docker-bake.json together.
#pragma once

#include <span>

#include "base/result.h"
#include "frontend/bake/definition.h"
#include "frontend/compose/compose.h"

namespace slipway::compose {

// The files that `bake` looks for when none is named, in order; all that exist are read.
inline constexpr const char* kDefaultFiles[] = {
    "compose.yaml",
    "compose.yml",
    "docker-compose.yml",
    "docker-compose.yaml",
    "compose.override.yaml",
    "compose.override.yml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
    "docker-bake.json",
    "docker-bake.hcl",
    "docker-bake.override.json",
    "docker-bake.override.hcl",
};

// Reads compose files (.yml, .yaml, or any name that is not .json or .hcl) as one project, then
// lays the JSON files over it, in order. HCL is refused.
Result<bake::Definitions> read_definitions(std::span<const File> files, const Options& options);

}  // namespace slipway::compose
