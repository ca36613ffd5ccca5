// What `bake` reads: its files, and the values of their variables.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/environment.h"
#include "frontend/compose/compose.h"

namespace slipway::cli {

// The files named (-f, else BUILDX_BAKE_FILE), "-" being stdin; without names, those of
// compose::kDefaultFiles that exist.
Result<std::vector<compose::File>> read_bake_files(const std::vector<std::string>& names,
                                                   const Environment& environment);

// "NAME=VALUE" of --var.
Result<std::map<std::string, std::string>> parse_bake_variables(
    const std::vector<std::string>& texts);

// Variables of compose files come from --var, .env and the environment, those of bake files from
// --var and the environment. `environment` must outlive the options.
Result<compose::Options> bake_options(const Environment& environment,
                                      std::map<std::string, std::string> variables);

// An error where a target is a URL: bake files in git repositories and at URLs are not read.
Status check_no_remote_files(const std::vector<std::string>& targets,
                             const Environment& environment);

}  // namespace slipway::cli
