// All files of one `bake`: compose files and bake files together.
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

// Reads compose files (.yml, .yaml) as one project, then bake files (.hcl, .json) as one over it.
// A file of another name is what it can be read as: a compose file, else HCL, else JSON.
Result<bake::Definitions> read_definitions(std::span<const File> files, const Options& options);

}  // namespace slipway::compose
