// One invocation of `check`, `build --check` or `bake --check`: Dockerfiles looked at, reports
// printed, nothing built.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/planner.h"
#include "frontend/bake/target.h"

namespace slipway::cli {

enum class CheckFormat { Text, Json, Sarif, Github };

enum class CheckRules { Docker, All };

struct CheckCall {
  CheckFormat format = CheckFormat::Text;
  bool ignore_status = false;  // exit 0 whatever was found
  CheckRules rules = CheckRules::Docker;
};

struct CheckSessionOptions {
  std::vector<bake::Target> targets;
  std::filesystem::path base_directory;
  std::string progress;
  CheckCall call;
  // Of `bake`: the JSON of its targets, which reports are made part of. Empty: one plain report.
  std::string bake_definition;
};

// What was looked at, and the texts of the Dockerfiles for showing errors in.
struct CheckedTargets {
  Result<std::vector<CheckedTarget>> targets;
  std::map<std::string, std::string> dockerfiles;
};

// Looks at the targets' Dockerfiles by docker's rules, and by Slipway's own with CheckRules::All.
CheckedTargets check_targets(Invocation& invocation, const CheckSessionOptions& options,
                             progress::Sink& sink);

// "check[,format=json][,ignorestatus=true]", as --call and bake files have it. nullopt: no check
// is asked for. Other methods than "build" are refused by name.
Result<std::optional<CheckCall>> parse_check_call(const std::string& call);
Result<CheckFormat> parse_check_format(const std::string& name);
Result<CheckRules> parse_check_rules(const std::string& name);

// Exit code 1 where there is anything to report.
Result<int> run_check_session(Invocation& invocation, const CheckSessionOptions& options);

}  // namespace slipway::cli
