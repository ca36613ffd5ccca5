// --metadata-file and --iidfile: what was built, for programs.
#pragma once

#include <string>
#include <vector>

#include "cli/build_run.h"

namespace slipway::cli {

// The JSON of --metadata-file with buildx's keys: of one build, or an object for each bake target.
std::string build_metadata(const TargetOutcome& outcome, const std::string& build_ref);
std::string bake_metadata(const std::vector<TargetOutcome>& outcomes, const std::string& build_ref);

// The image ID: the config's digest, or that of an index; empty when no output was an image.
Digest image_id(const TargetOutcome& outcome);

}  // namespace slipway::cli
