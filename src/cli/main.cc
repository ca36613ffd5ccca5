#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/text.h"
#include "cli/background_prune.h"
#include "cli/background_sync.h"
#include "cli/command.h"
#include "cli/environment.h"
#include "cli/failure_report.h"
#include "cli/sandbox.h"
#include "cli/session.h"
#include "cli/signals.h"
#include "cli/version.h"

extern char** environ;

namespace slipway::cli {
namespace {

struct CommandEntry {
  const char* name;
  const char* help;
  CommandFactory make;
  std::vector<const char*> aliases;
};

const std::vector<CommandEntry>& command_table() {
  static const std::vector<CommandEntry> table = {
      {"build", "Build an image from a Dockerfile", make_build_command, {"b"}},
      {"bake", "Build the targets of compose and bake files", make_bake_command, {}},
      {"check", "Check a Dockerfile without building it", make_check_command, {}},
      {"fix", "Fix what check finds, where it is safe", make_fix_command, {}},
      {"images", "List local images", make_images_command, {}},
      {"tag", "Give a local image another name", make_tag_command, {}},
      {"rmi", "Remove names of local images", make_rmi_command, {}},
      {"push", "Push a local image to its registry", make_push_command, {}},
      {"pull", "Pull an image into the local store", make_pull_command, {}},
      {"load", "Load images from an OCI or docker archive", make_load_command, {}},
      {"save", "Save local images as an archive", make_save_command, {}},
      {"du", "Show what the store holds on disk", make_du_command, {}},
      {"prune", "Remove what no build has used lately", make_prune_command, {}},
      {"sync", "Wait until what builds have written is on disk", make_sync_command, {}},
      {"cache-mount", "List, export, import and remove cache mounts", make_cache_mount_command, {}},
      {"history", "Look at earlier builds", make_history_command, {}},
      {"debug", "Look inside: LLB of a Dockerfile, syntax tree", make_debug_command, {}},
      {"completion",
       "Print a completion script for bash, zsh or fish",
       make_completion_command,
       {}},
  };
  return table;
}

struct Selected {
  CLI::App* app;
  Command command;
};

int fail(const Error& error) {
  std::fputs(describe(error, {}).c_str(), stderr);
  return exit_code(error);
}

// "slipway biuld" -> the nearest command, as CLI11 does not suggest.
int usage_error(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv) {
  if (error.get_exit_code() == 0) return app.exit(error);
  std::fprintf(stderr, "ERROR: %s\n", error.what());
  std::vector<std::string> names;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(sub->get_name());
  }
  if (app.get_subcommands().empty() && argc > 1) {
    const std::string near = nearest(argv[1], names);
    if (!near.empty()) std::fprintf(stderr, "hint: did you mean \"slipway %s\"?\n", near.c_str());
  }
  const std::string command =
      app.get_subcommands().empty() ? "" : " " + app.get_subcommands()[0]->get_name();
  std::fprintf(stderr, "hint: see \"slipway%s --help\"\n", command.c_str());
  return 1;
}

// COPY keeps many directories open at a time; the soft limit is 1024 for select(2)'s sake, which
// nothing here uses. Children get the same, as containers do from other engines.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// Buffers of a megabyte go back to the system when they are freed, instead of into an arena of a
// thread that has ended.
void keep_memory_small() {
  ::mallopt(M_MMAP_THRESHOLD, 256 << 10);
}

int run_command(const Command& command, Invocation invocation) {
  const SignalWatch signals;
  invocation.stop = signals.token();
  const Result<int> code = command.run(invocation);
  return code ? *code : fail(with_full_disk_hint(code.error(), invocation));
}

int run(int argc, char** argv) {
  raise_descriptor_limit();
  keep_memory_small();
  const Environment environment = read_environment(environ);
  CLI::App app(
      "Builds container images from Dockerfiles, compose and bake files, without a daemon.",
      "slipway");
  std::string root;
  bool debug = false;
  app.set_version_flag("--version", std::string("slipway ") + kVersion);
  app.add_option("--root", root, "Directory of the store (SLIPWAY_ROOT)")->type_name("DIR");
  app.add_flag("-D,--debug", debug, "Say more when something fails");
  app.require_subcommand(1);
  app.fallthrough();
  std::vector<Selected> commands;
  for (const CommandEntry& entry : command_table()) {
    CLI::App* sub = app.add_subcommand(entry.name, entry.help);
    for (const char* alias : entry.aliases) sub->alias(alias);
    commands.push_back({sub, entry.make(*sub)});
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return usage_error(app, error, argc, argv);
  }
  for (Selected& selected : commands) {
    if (!selected.app->parsed()) continue;
    // From here on this may be another process, and in other namespaces.
    const Command& command = selected.command;
    const std::filesystem::path store =
        root.empty() ? default_root(environment) : std::filesystem::path(root);
    const auto after = [&] {
      if (command.uses_store && command.starts_sync) start_background_sync(environment, store);
      if (command.builds) start_background_prune(environment, store);
    };
    const bool enters = command.builds || (command.uses_store && !environment.root);
    if (enters) {
      const auto entered = enter_build_namespaces(after);
      if (!entered) return fail(entered.error());
    }
    const int code = run_command(command, {environment, {argv, argv + argc}, store, debug, {}});
    if (!enters) after();
    return code;
  }
  return 1;
}

}  // namespace
}  // namespace slipway::cli

int main(int argc, char** argv) {
  return slipway::cli::run(argc, argv);
}
