// `slipway debug`: the syntax tree and the LLB of a Dockerfile, and what is wrong with it.
#include <unistd.h>

#include <cstdio>

#include <CLI/CLI.hpp>

#include "base/file_io.h"
#include "cli/build_flags.h"
#include "cli/call.h"
#include "cli/check_report.h"
#include "cli/command.h"
#include "cli/failure_report.h"
#include "cli/outline_report.h"
#include "cli/planner.h"
#include "cli/stub_images.h"
#include "frontend/dockerfile/parser.h"
#include "graph/proto.h"

namespace slipway::cli {
namespace {

struct DebugFlags {
  std::string tree_file;
  BuildFlags build;
  bool raw = false;
  bool image = false;
};

class NoProgress : public progress::Sink {
 public:
  void handle(const progress::Event&) override {}
};

Result<int> print_tree(const std::string& file) {
  const std::string text = TRY(file == "-" ? read_fd(STDIN_FILENO) : read_file(file));
  const auto tree = dockerfile::parse_syntax(text, file);
  if (!tree) {
    std::fputs(describe(tree.error(), {{file, text}}).c_str(), stderr);
    return 1;
  }
  TRY(write_all(STDOUT_FILENO, dockerfile::dump(*tree)));
  return 0;
}

// Base images are not asked for anywhere: what is shown is what the Dockerfile says, not what is
// online.
Planner offline_planner(const Environment& environment, StubImages& images, NoProgress& progress) {
  return Planner(
      {.environment = environment,
       .base_directory = environment.working_directory,
       .resolver = images,
       .add_directory = {},
       .add_layout = [](const std::string& location) -> Result<dockerfile::OciLayoutContext> {
         return dockerfile::OciLayoutContext{location, Digest::sha256_of(location)};
       },
       .progress = progress});
}

Result<int> print_check(const DebugFlags& flags, const Environment& environment) {
  StubImages images;
  NoProgress progress;
  Planner planner = offline_planner(environment, images, progress);
  const bake::Target target = TRY(to_target(flags.build, environment));
  const Call call = TRY(parse_call(target.call)).value_or(Call());
  std::string report;
  switch (call.method) {
    case CallMethod::Check:
      report = check_json(TRY(planner.check(target)));
      break;
    case CallMethod::Outline: {
      const OutlinedTarget outlined = TRY(planner.outline(target));
      report = outline_json(outlined.outline, outlined.text);
      break;
    }
    case CallMethod::Targets: {
      const ListedTarget listed = TRY(planner.list(target));
      report = targets_json(listed.dockerfile.stages, listed.text);
      break;
    }
  }
  TRY(write_all(STDOUT_FILENO, report + "\n"));
  return 0;
}

Result<int> dump_llb(const DebugFlags& flags, const Environment& environment) {
  StubImages images;
  NoProgress progress;
  Planner planner = offline_planner(environment, images, progress);
  const auto plans = planner.plan({TRY(to_target(flags.build, environment))});
  if (!plans) {
    std::fputs(describe(plans.error(), planner.dockerfiles()).c_str(), stderr);
    return exit_code(plans.error());
  }
  const dockerfile::Conversion& conversion = plans->at(0).platforms.front();
  const graph::Definition& definition = conversion.definition;
  TRY(write_all(STDOUT_FILENO,
                flags.raw ? graph::marshal(definition) : graph::dump_json(definition)));
  if (flags.image) TRY(write_all(STDOUT_FILENO, to_json(conversion.config) + "\n"));
  return 0;
}

}  // namespace

Command make_debug_command(CLI::App& app) {
  const auto flags = std::make_shared<DebugFlags>();
  app.require_subcommand(1);
  CLI::App* tree = app.add_subcommand("ast", "Print the syntax tree of a Dockerfile");
  tree->add_option("file", flags->tree_file, "Dockerfile, or - for stdin")->required();
  CLI::App* llb = app.add_subcommand(
      "dump-llb", "Print the LLB of a Dockerfile; base images are made up from their names");
  add_build_flags(*llb, flags->build);
  llb->add_flag("--raw", flags->raw, "The marshalled definition (protobuf) instead of JSON");
  llb->add_flag("--image", flags->image,
                "Then the image's configuration, as one more line of JSON");
  CLI::App* check = app.add_subcommand(
      "check", "Print what --call (default: check) says, as JSON; base images are made up");
  add_build_flags(*check, flags->build);
  return {.run = [flags, tree, check](Invocation& invocation) -> Result<int> {
            if (tree->parsed()) return print_tree(flags->tree_file);
            if (check->parsed()) return print_check(*flags, invocation.environment);
            return dump_llb(*flags, invocation.environment);
          },
          .uses_store = false};
}

}  // namespace slipway::cli
