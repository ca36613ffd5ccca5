// `slipway bake`: the targets of compose and bake files, all at once, with the flags of `docker
// buildx bake`.
#include <unistd.h>

#include <algorithm>

#include <CLI/CLI.hpp>

#include "base/file_io.h"
#include "base/values.h"
#include "cli/bake_access.h"
#include "cli/bake_input.h"
#include "cli/build_session.h"
#include "cli/call_session.h"
#include "cli/command.h"
#include "cli/engine.h"
#include "cli/failure_report.h"
#include "cli/progress_mode.h"
#include "cli/remote_bake.h"
#include "frontend/bake/listing.h"
#include "frontend/bake/resolve.h"
#include "frontend/compose/definition_files.h"

namespace slipway::cli {
namespace {

struct BakeFlags {
  std::vector<std::string> words;  // [URL [URL]] TARGET...
  std::vector<std::string> files;
  std::vector<std::string> set;
  std::vector<std::string> variables;
  std::vector<std::string> allow;
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

// Reads definitions, here or elsewhere, resolves them, and does with the targets what was asked.
class BakeCommand {
 public:
  BakeCommand(const BakeFlags& flags, Invocation& invocation)
      : flags_(flags),
        invocation_(invocation),
        environment_(invocation.environment),
        arguments_(bake_arguments(flags.words)) {}

  Result<int> run() {
    TRY(check_bake_environment(environment_));
    call_ = TRY(parse_call(flags_.check ? "check" : flags_.call));
    const auto definitions = arguments_.url.empty() ? read_here() : read_elsewhere();
    if (!definitions) return fail(definitions.error());
    for (const std::string& warning : definitions->warnings) {
      std::fprintf(stderr, "WARNING: %s\n", warning.c_str());
    }
    if (!flags_.list.empty()) {
      const bake::ListRequest request = TRY(bake::parse_list_request(flags_.list));
      TRY(write_all(STDOUT_FILENO, bake::list(*definitions, request)));
      return 0;
    }
    const auto resolved = bake::resolve(*definitions, request(), environment_.lookup());
    if (!resolved) return fail(resolved.error());
    if (flags_.print) {
      TRY(write_all(STDOUT_FILENO, bake::print(*resolved) + "\n"));
      return 0;
    }
    const auto targets = targets_of(*resolved);
    if (!targets) return fail(targets.error());
    return carry_out(*targets, bake::print(*resolved));
  }

 private:
  Result<bake::Definitions> read_here() {
    std::vector<compose::File> files = TRY(read_bake_files(flags_.files, environment_));
    return read(std::move(files), {});
  }

  // Files that are elsewhere first, then those of the working directory ("cwd://...").
  Result<bake::Definitions> read_elsewhere() {
    access_ = TRY(remote_access(arguments_.url, environment_));
    Secrets secrets = TRY(collect_secrets({access_}, environment_));
    const std::unique_ptr<Engine> engine = TRY(open_engine(invocation_, std::move(secrets)));
    ShownProgress shown = TRY(show_progress(flags_.progress, environment_));
    auto definitions = read_with(*engine, *shown.sink);
    if (const Status ended = engine->finish(); definitions && !ended) definitions = ended.error();
    shown.finish();
    return definitions;
  }

  Result<bake::Definitions> read_with(Engine& engine, progress::Sink& sink) {
    const auto contexts = engine.context_reader(sink, invocation_.stop);
    const RemoteBake remote = TRY(RemoteBake::open(*contexts, arguments_.url));
    std::vector<std::string> there;
    std::vector<std::string> here;
    for (const std::string& name : bake_file_names(flags_.files, environment_)) {
      (name.starts_with(kHere) ? here : there).push_back(name);
    }
    std::vector<compose::File> files = TRY(remote.files(there));
    if (!here.empty()) {
      std::vector<compose::File> more = TRY(read_bake_files(here, environment_));
      files.insert(files.end(), more.begin(), more.end());
    }
    elsewhere_ = remote.elsewhere();
    return read(std::move(files), [&](const std::string& path) { return remote.read(path); });
  }

  // `read_file`: what other files are read with; null: as usual.
  Result<bake::Definitions> read(std::vector<compose::File> files, compose::FileReader read_file) {
    for (const compose::File& file : files) texts_[file.name] = file.text;
    auto variables = TRY(parse_bake_variables(flags_.variables));
    compose::Options options = TRY(bake_options(environment_, std::move(variables)));
    options.bake.built_in["BAKE_CMD_CONTEXT"] = arguments_.command_context;
    if (read_file) options.read_file = std::move(read_file);
    return compose::read_definitions(files, options);
  }

  bake::Request request() const {
    bake::Request request{.targets = arguments_.targets, .set = flags_.set};
    if (call_) request.set.push_back(std::string("*.call=") + name_of(call_->method));
    request.flags = {.push = flags_.push,
                     .load = flags_.load,
                     .no_cache = flags_.no_cache ? std::optional(true) : std::nullopt,
                     .pull = flags_.pull ? std::optional(true) : std::nullopt,
                     .sbom = flags_.sbom,
                     .provenance = flags_.provenance};
    request.elsewhere = elsewhere_;
    return request;
  }

  Result<std::vector<bake::Target>> targets_of(const bake::Resolved& resolved) const {
    std::vector<bake::Target> targets = TRY(bake::to_targets(resolved));
    if (arguments_.url.empty()) return targets;
    TRY(check_access(
        targets, {flags_.allow, environment_.working_directory,
                  parse_bool(environment_.get("BAKE_ALLOW_REMOTE_FS_ACCESS")).value_or(false)}));
    return with_remote_access(access_, arguments_.url, std::move(targets));
  }

  // Targets with a call are looked at, the others are built.
  Result<int> carry_out(const std::vector<bake::Target>& targets, const std::string& definition) {
    std::vector<bake::Target> built;
    for (const bake::Target& target : targets) {
      const std::optional<Call> own = TRY(parse_call(target.call));
      if (!own) built.push_back(target);
    }
    int status = 0;
    if (built.size() < targets.size()) {
      status = TRY(run_call_session(invocation_, {.targets = targets,
                                                  .base_directory = environment_.working_directory,
                                                  .progress = flags_.progress,
                                                  .call = call_,
                                                  .bake_definition = definition}));
      if (built.empty()) return status;
    }
    const int built_status =
        TRY(run_build_session(invocation_, {.targets = built,
                                            .base_directory = environment_.working_directory,
                                            .progress = flags_.progress,
                                            .metadata_file = flags_.metadata_file,
                                            .layer_split = flags_.layer_split,
                                            .bake = true}));
    return std::max(status, built_status);
  }

  int fail(const Error& error) const {
    std::fputs(describe(error, texts_).c_str(), stderr);
    return exit_code(error);
  }

  const BakeFlags& flags_;
  Invocation& invocation_;
  const Environment& environment_;
  const BakeArguments arguments_;
  std::optional<Call> call_;                  // of all targets
  std::map<std::string, std::string> texts_;  // of the files, for errors
  bake::Target access_;                       // to where the definition is
  bake::Elsewhere elsewhere_;                 // its contexts are
};

}  // namespace

Command make_bake_command(CLI::App& app) {
  const auto flags = std::make_shared<BakeFlags>();
  app.add_option(
         "targets", flags->words,
         "Targets and groups (default: \"default\"); before them a git or http URL where the "
         "definition is, and one for BAKE_CMD_CONTEXT")
      ->type_name("[URL [URL]] TARGET");
  app.add_option(
         "-f,--file", flags->files,
         "Compose or bake file; several are merged (default: compose.yaml, docker-bake.hcl, …); "
         "cwd://FILE is here where the others are at a URL")
      ->type_name("FILE")
      ->allow_extra_args(false);
  app.add_option("--set", flags->set, "Override a value: PATTERN.KEY[.SUBKEY]=VALUE")
      ->type_name("OVERRIDE")
      ->allow_extra_args(false);
  app.add_option("--var", flags->variables, "Set a variable of a bake file: NAME=VALUE")
      ->type_name("VARIABLE")
      ->allow_extra_args(false);
  app.add_option("--allow", flags->allow,
                 "What a definition at a URL may do here: fs.read, fs.write, fs (=PATH), ssh, "
                 "network.host, security.insecure, device[=NAME]")
      ->type_name("ENTITLEMENT")
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
  return {.run = [flags](Invocation& invocation) { return BakeCommand(*flags, invocation).run(); },
          .builds = true};
}

}  // namespace slipway::cli
