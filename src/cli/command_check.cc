// `slipway check`: what is wrong or slow about a Dockerfile, without building it.
#include <CLI/CLI.hpp>

#include "cli/build_flags.h"
#include "cli/check_session.h"
#include "cli/command.h"

namespace slipway::cli {

Command make_check_command(CLI::App& app) {
  struct Flags {
    BuildFlags build;
    std::string format = "text";
  };
  const auto flags = std::make_shared<Flags>();
  add_build_flags(app, flags->build);
  app.add_option("--format", flags->format, "text, json (buildx's), sarif or github")
      ->type_name("FORMAT");
  return {.run = [flags](Invocation& invocation) -> Result<int> {
            if (flags->build.context.empty()) flags->build.context = ".";
            return run_check_session(
                invocation, {.targets = {TRY(to_target(flags->build, invocation.environment))},
                             .base_directory = invocation.environment.working_directory,
                             .progress = flags->build.quiet ? "quiet" : flags->build.progress,
                             .call = {.format = TRY(parse_check_format(flags->format))},
                             .bake_definition = {}});
          },
          .builds = true};
}

}  // namespace slipway::cli
