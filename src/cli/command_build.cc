// `slipway build`: one image from a Dockerfile, with the flags of `docker build`.
#include <CLI/CLI.hpp>

#include "cli/build_flags.h"
#include "cli/build_session.h"
#include "cli/call_session.h"
#include "cli/command.h"

namespace slipway::cli {

Command make_build_command(CLI::App& app) {
  const auto flags = std::make_shared<BuildFlags>();
  add_build_flags(app, *flags);
  return {.run = [flags](Invocation& invocation) -> Result<int> {
            const bake::Target target = TRY(to_target(*flags, invocation.environment));
            if (const std::optional<Call> call = TRY(parse_call(target.call))) {
              return run_call_session(invocation,
                                      {.targets = {target},
                                       .base_directory = invocation.environment.working_directory,
                                       .progress = flags->quiet ? "quiet" : flags->progress,
                                       .call = call,
                                       .bake_definition = {}});
            }
            BuildSessionOptions options;
            options.targets = {target};
            options.base_directory = invocation.environment.working_directory;
            options.progress = flags->progress;
            options.quiet = flags->quiet;
            options.metadata_file = flags->metadata_file;
            options.iidfile = flags->iidfile;
            options.layer_split = flags->layer_split;
            return run_build_session(invocation, options);
          },
          .builds = true};
}

}  // namespace slipway::cli
