// `slipway fix`: what `slipway check` finds and can be put right safely.
#include <algorithm>

#include <CLI/CLI.hpp>

#include "base/file_io.h"
#include "cli/bake_input.h"
#include "cli/build_flags.h"
#include "cli/command.h"
#include "cli/failure_report.h"
#include "cli/fix_session.h"
#include "frontend/bake/resolve.h"
#include "frontend/compose/definition_files.h"

namespace slipway::cli {
namespace {

namespace fs = std::filesystem;

struct FixFlags {
  BuildFlags build;
  std::string format = "diff";
  std::vector<std::string> only;
  std::vector<std::string> skip;
  bool diff = false;
  bool write = false;
  bool ignore_files_only = false;
};

// Compose and bake files are fixed as a whole: named with -f, or there without a Dockerfile.
bool is_project(const FixFlags& flags, const fs::path& directory) {
  const std::string extension = fs::path(flags.build.file).extension();
  if (!flags.build.file.empty()) {
    return extension == ".yaml" || extension == ".yml" || extension == ".hcl" ||
           extension == ".json";
  }
  if (path_exists(directory / "Dockerfile")) return false;
  return std::ranges::any_of(compose::kDefaultFiles,
                             [&](const char* name) { return path_exists(directory / name); });
}

Result<std::vector<bake::Target>> project_targets(const FixFlags& flags,
                                                  const Environment& environment) {
  std::vector<std::string> names;
  if (!flags.build.file.empty()) names.push_back(flags.build.file);
  const std::vector<compose::File> files = TRY(read_bake_files(names, environment));
  std::map<std::string, std::string> texts;
  for (const compose::File& file : files) texts[file.name] = file.text;
  const auto options = TRY(bake_options(environment, {}));
  const auto definitions = TRY(compose::read_definitions(files, options));
  const auto resolved = TRY(bake::resolve(definitions, {}, environment.lookup()));
  return bake::to_targets(resolved);
}

Result<int> fix(const FixFlags& flags, Invocation& invocation) {
  if (flags.diff && flags.write) {
    return make_error(ErrorCode::InvalidInput, "--diff and --write exclude each other");
  }
  if (flags.format != "diff" && flags.format != "json") {
    return make_error(ErrorCode::InvalidInput, "format \"{}\" is not known: want diff or json",
                      flags.format);
  }
  BuildFlags build = flags.build;
  if (build.context.empty()) build.context = ".";
  FixSessionOptions options{.targets = {},
                            .base_directory = invocation.environment.working_directory,
                            .progress = build.quiet ? "quiet" : build.progress,
                            .format = flags.format == "json" ? FixFormat::Json : FixFormat::Diff,
                            .write = flags.write,
                            .ignore_files_only = flags.ignore_files_only,
                            .only = flags.only,
                            .skip = flags.skip};
  const fs::path directory =
      (invocation.environment.working_directory / build.context).lexically_normal();
  if (is_project(flags, directory)) {
    Environment there = invocation.environment;
    there.working_directory = options.base_directory = directory;
    options.targets = TRY(project_targets(flags, there));
  } else {
    options.targets = {TRY(to_target(build, invocation.environment))};
  }
  return run_fix_session(invocation, options);
}

}  // namespace

Command make_fix_command(CLI::App& app) {
  const auto flags = std::make_shared<FixFlags>();
  add_build_flags(app, flags->build);
  app.add_flag("--diff", flags->diff, "Show what would change (default)");
  app.add_flag("--write", flags->write, "Change the files");
  app.add_option("--only", flags->only, "Fix what this rule finds; may be repeated")
      ->type_name("RULE")
      ->allow_extra_args(false)
      ->delimiter(',');
  app.add_option("--skip", flags->skip, "Leave what this rule finds; may be repeated")
      ->type_name("RULE")
      ->allow_extra_args(false)
      ->delimiter(',');
  app.add_flag("--dockerignore-only", flags->ignore_files_only, "Fix .dockerignore only");
  app.add_option("--format", flags->format, "diff, or json: edits, fixes, and what is left and why")
      ->type_name("FORMAT");
  return {.run = [flags](Invocation& invocation) { return fix(*flags, invocation); },
          .builds = true};
}

}  // namespace slipway::cli
