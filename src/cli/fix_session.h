// One invocation of `fix`: Dockerfiles and ignore files of the targets rewritten, or the difference
// shown. docs/fix.md.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "cli/command.h"
#include "frontend/bake/target.h"

namespace slipway::cli {

enum class FixFormat { Diff, Json };

struct FixSessionOptions {
  std::vector<bake::Target> targets;
  std::filesystem::path base_directory;
  std::string progress;
  FixFormat format = FixFormat::Diff;
  bool write = false;
  bool ignore_files_only = false;
  std::vector<std::string> only;  // rules; empty: all
  std::vector<std::string> skip;
};

// Exit code 0: nothing to fix, or written; 1: there is something to fix.
Result<int> run_fix_session(Invocation& invocation, const FixSessionOptions& options);

}  // namespace slipway::cli
