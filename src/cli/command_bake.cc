// `slipway bake`: the targets of compose and bake files, all at once, with the flags of `docker
// buildx bake`.
#include <unistd.h>

#include <algorithm>

#include <CLI/CLI.hpp>

#include "base/file_io.h"
#include "cli/bake_input.h"
#include "cli/build_session.h"
#include "cli/call_session.h"
#include "cli/command.h"
#include "cli/failure_report.h"
#include "frontend/bake/listing.h"
#include "frontend/bake/resolve.h"
#include "frontend/compose/definition_files.h"

namespace slipway::cli {
namespace {

struct BakeFlags {
  std::vector<std::string> targets;
  std::vector<std::string> files;
  std::vector<std::string> set;
  std::vector<std::string> variables;
  std::string list;  // what; empty: nothing
  std::string sbom;
  std::string provenance;
  std::string progress;
  std::string metadata_file;
  std::string call;
  bool check = false;
  std::string layer_split = "auto";
  bool print = false;
  bool no_cache = false;
  bool pull = false;
  bool push = false;
  bool load = false;
};

Result<bake::Resolved> resolve(const BakeFlags& flags, const bake::Definitions& definitions,
                               const Environment& environment) {
  bake::Request request{.targets = flags.targets, .set = flags.set};
  request.flags = {.push = flags.push,
                   .load = flags.load,
                   .no_cache = flags.no_cache ? std::optional(true) : std::nullopt,
                   .pull = flags.pull ? std::optional(true) : std::nullopt,
                   .sbom = flags.sbom,
                   .provenance = flags.provenance};
  return bake::resolve(definitions, request, environment.lookup());
}

// Targets with a call are looked at, the others are built. `definition`: the JSON of the targets.
Result<int> carry_out(const BakeFlags& flags, const std::vector<bake::Target>& targets,
                      const std::string& definition, Invocation& invocation) {
  const std::optional<Call> call = TRY(parse_call(flags.check ? "check" : flags.call));
  const std::filesystem::path& directory = invocation.environment.working_directory;
  std::vector<bake::Target> built;
  for (const bake::Target& target : targets) {
    const std::optional<Call> own = TRY(parse_call(target.call));
    if (!call && !own) built.push_back(target);
  }
  int status = 0;
  if (built.size() < targets.size()) {
    status = TRY(run_call_session(invocation, {.targets = targets,
                                               .base_directory = directory,
                                               .progress = flags.progress,
                                               .call = call,
                                               .bake_definition = definition}));
    if (built.empty()) return status;
  }
  const int built_status = TRY(run_build_session(invocation, {.targets = built,
                                                              .base_directory = directory,
                                                              .progress = flags.progress,
                                                              .metadata_file = flags.metadata_file,
                                                              .layer_split = flags.layer_split,
                                                              .bake = true}));
  return std::max(status, built_status);
}

Result<int> bake(const BakeFlags& flags, Invocation& invocation) {
  const Environment& environment = invocation.environment;
  TRY(check_no_remote_files(flags.targets, environment));
  const std::vector<compose::File> files = TRY(read_bake_files(flags.files, environment));
  const auto variables = TRY(parse_bake_variables(flags.variables));
  std::map<std::string, std::string> texts;
  for (const compose::File& file : files) texts[file.name] = file.text;
  const auto fail = [&](const Error& error) {
    std::fputs(describe(error, texts).c_str(), stderr);
    return exit_code(error);
  };

  const auto definitions =
      compose::read_definitions(files, TRY(bake_options(environment, variables)));
  if (!definitions) return fail(definitions.error());
  for (const std::string& warning : definitions->warnings) {
    std::fprintf(stderr, "WARNING: %s\n", warning.c_str());
  }
  if (!flags.list.empty()) {
    const bake::ListRequest request = TRY(bake::parse_list_request(flags.list));
    TRY(write_all(STDOUT_FILENO, bake::list(*definitions, request)));
    return 0;
  }
  const auto resolved = resolve(flags, *definitions, environment);
  if (!resolved) return fail(resolved.error());
  if (flags.print) {
    TRY(write_all(STDOUT_FILENO, bake::print(*resolved) + "\n"));
    return 0;
  }
  const auto targets = bake::to_targets(*resolved);
  if (!targets) return fail(targets.error());
  return carry_out(flags, *targets, bake::print(*resolved), invocation);
}

}  // namespace

Command make_bake_command(CLI::App& app) {
  const auto flags = std::make_shared<BakeFlags>();
  app.add_option("targets", flags->targets, "Targets and groups (default: \"default\")")
      ->type_name("TARGET");
  app.add_option(
         "-f,--file", flags->files,
         "Compose or bake file; several are merged (default: compose.yaml, docker-bake.hcl, …)")
      ->type_name("FILE")
      ->allow_extra_args(false);
  app.add_option("--set", flags->set, "Override a value: PATTERN.KEY[.SUBKEY]=VALUE")
      ->type_name("OVERRIDE")
      ->allow_extra_args(false);
  app.add_option("--var", flags->variables, "Set a variable of a bake file: NAME=VALUE")
      ->type_name("VARIABLE")
      ->allow_extra_args(false);
  app.add_flag("--print", flags->print, "Print the resolved targets as JSON, build nothing");
  app.add_option("--list", flags->list, "List targets or variables[,format=json]")
      ->type_name("WHAT");
  app.add_option("--call", flags->call,
                 "Instead of building: check, outline or targets, of every target")
      ->type_name("METHOD[,format=json]");
  app.add_flag("--check", flags->check, "Short for --call=check");
  app.add_flag("--push", flags->push, "Push the images: --set '*.output=type=registry'");
  app.add_flag("--load", flags->load, "Load the images: --set '*.output=type=docker'");
  app.add_option("--layer-split", flags->layer_split,
                 "Split the layers of steps above a size: auto (256mb), off, or SIZE")
      ->type_name("auto|off|SIZE");
  app.add_flag("--no-cache", flags->no_cache, "Run every step, whatever is cached");
  app.add_flag("--pull", flags->pull, "Ask registries for newer base images");
  app.add_option("--provenance", flags->provenance, "Short for --set '*.attest=type=provenance'");
  app.add_option("--sbom", flags->sbom, "Short for --set '*.attest=type=sbom'");
  app.add_option("--progress", flags->progress,
                 "How progress is shown: auto, plain, tty, quiet, rawjson")
      ->type_name("MODE");
  app.add_option("--metadata-file", flags->metadata_file, "Write the results' metadata as JSON")
      ->type_name("FILE");
  return {.run = [flags](Invocation& invocation) { return bake(*flags, invocation); },
          .builds = true};
}

}  // namespace slipway::cli
