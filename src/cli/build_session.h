// One invocation of `build` or `bake` from targets to exit code: progress, history, engine,
// reports.
#pragma once

#include <string>
#include <vector>

#include "cli/build_run.h"
#include "cli/command.h"
#include "frontend/bake/target.h"

namespace slipway::cli {

struct BuildSessionOptions {
  std::vector<bake::Target> targets;
  // Where relative paths of targets start.
  std::filesystem::path base_directory;
  std::string progress;  // --progress
  bool quiet = false;    // only the image ID, on stdout
  std::string metadata_file;
  std::string iidfile;
  std::string layer_split = "auto";
  bool bake = false;  // metadata has an object for each target
};

// Returns the exit code; what went wrong was printed.
Result<int> run_build_session(Invocation& invocation, const BuildSessionOptions& options);

}  // namespace slipway::cli
