// Command: one subcommand of `slipway`. Each command_*.cc makes one; main.cc lists them.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/environment.h"

namespace CLI {
class App;
}

namespace slipway::cli {

// What every command gets.
struct Invocation {
  const Environment& environment;
  std::vector<std::string> arguments;  // as typed, "slipway" first
  std::filesystem::path root;          // the store
  bool debug = false;
  std::stop_token stop;
};

struct Command {
  // Runs the command; the value is the exit code. An error is printed by main().
  std::function<Result<int>(Invocation&)> run;
  // Whether it mounts or runs containers, so that main() enters namespaces first.
  bool builds = false;
  // Whether it touches the store. An ordinary user's store belongs to the ids of a user namespace.
  bool uses_store = true;
  // Whether main() sees to barriers that were left to others (background_sync.h).
  bool starts_sync = true;
};

// Each declares its flags on a new subcommand of `app` and returns it with what it does.
using CommandFactory = Command (*)(CLI::App& subcommand);

Command make_build_command(CLI::App& app);
Command make_bake_command(CLI::App& app);
Command make_check_command(CLI::App& app);
Command make_fix_command(CLI::App& app);
Command make_images_command(CLI::App& app);
Command make_push_command(CLI::App& app);
Command make_pull_command(CLI::App& app);
Command make_load_command(CLI::App& app);
Command make_save_command(CLI::App& app);
Command make_tag_command(CLI::App& app);
Command make_rmi_command(CLI::App& app);
Command make_du_command(CLI::App& app);
Command make_prune_command(CLI::App& app);
Command make_sync_command(CLI::App& app);
Command make_cache_mount_command(CLI::App& app);
Command make_history_command(CLI::App& app);
Command make_debug_command(CLI::App& app);
Command make_completion_command(CLI::App& app);

}  // namespace slipway::cli
