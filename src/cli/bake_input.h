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

// -f, else BUILDX_BAKE_FILE, as they are written.
std::vector<std::string> bake_file_names(const std::vector<std::string>& given,
                                         const Environment& environment);

// Variables of compose files come from --var, .env and the environment, those of bake files from
// --var and the environment. `environment` must outlive the options.
Result<compose::Options> bake_options(const Environment& environment,
                                      std::map<std::string, std::string> variables);

// An error where a variable asks for what is not done.
Status check_bake_environment(const Environment& environment);

}  // namespace slipway::cli
