// One invocation of `check`, or of `build` and `bake` with --call: Dockerfiles looked at, reports
// printed, nothing built.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/call.h"
#include "cli/command.h"
#include "cli/planner.h"
#include "frontend/bake/target.h"

namespace slipway::cli {

struct CallSessionOptions {
  // Those with a call are reported; the others may be their contexts.
  std::vector<bake::Target> targets;
  std::filesystem::path base_directory;
  std::string progress;
  std::optional<Call> call;  // of all targets; nullopt: each has its own
  // Of `bake`: the JSON of its targets, which reports are made part of. Empty: one plain report.
  std::string bake_definition;
};

// Exit code 1 where a check has anything to report.
Result<int> run_call_session(Invocation& invocation, const CallSessionOptions& options);

// What was looked at, and the texts of the Dockerfiles for showing errors in.
struct CheckedTargets {
  Result<std::vector<CheckedTarget>> targets;
  std::map<std::string, std::string> dockerfiles;
};

// Looks at the targets' Dockerfiles by docker's rules.
CheckedTargets check_targets(Invocation& invocation, const std::vector<bake::Target>& targets,
                             const std::filesystem::path& base_directory, progress::Sink& sink);

}  // namespace slipway::cli
