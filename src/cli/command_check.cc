// `slipway check`: what is wrong or slow about a Dockerfile, without building it.
#include <CLI/CLI.hpp>

#include "cli/build_flags.h"
#include "cli/call_session.h"
#include "cli/command.h"

namespace slipway::cli {

Command make_check_command(CLI::App& app) {
  struct Flags {
    BuildFlags build;
    std::string format = "text";
    std::string rules;
  };
  const auto flags = std::make_shared<Flags>();
  add_build_flags(app, flags->build);
  app.add_option("--format", flags->format, "text, json (buildx's), sarif or github")
      ->type_name("FORMAT");
  app.add_option("--rules", flags->rules,
                 "docker: those of docker build --check; all: Slipway's own, too (default, but for "
                 "json)")
      ->type_name("RULES");
  return {.run = [flags](Invocation& invocation) -> Result<int> {
            if (flags->build.context.empty()) flags->build.context = ".";
            Call call{.format = TRY(parse_report_format(flags->format))};
            const char* const usual = call.format == ReportFormat::Json ? "docker" : "all";
            call.rules = TRY(parse_check_rules(flags->rules.empty() ? usual : flags->rules));
            return run_call_session(
                invocation, {.targets = {TRY(to_target(flags->build, invocation.environment))},
                             .base_directory = invocation.environment.working_directory,
                             .progress = flags->build.quiet ? "quiet" : flags->build.progress,
                             .call = call,
                             .bake_definition = {}});
          },
          .builds = true};
}

}  // namespace slipway::cli
