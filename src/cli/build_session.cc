#include "cli/build_session.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <thread>

#include "base/file_io.h"
#include "cli/cache_sources.h"
#include "cli/engine.h"
#include "cli/failure_report.h"
#include "cli/history.h"
#include "cli/image_lookup.h"
#include "cli/progress_mode.h"
#include "cli/result_files.h"
#include "cli/session.h"
#include "cli/warning_log.h"
#include "exporter/output_file.h"
#include "progress/multi.h"
#include "store/disk_space.h"

namespace slipway::cli {
namespace {

// `error` at the lines of the Dockerfile that the step is.
Error at_step(const graph::Definition& definition, const Digest& step, Error error) {
  for (const graph::Vertex& vertex : definition.vertices()) {
    if (vertex.digest != step) continue;
    for (const SourceSpan& span : definition.spans(vertex)) error = std::move(error).at(span);
  }
  return error;
}

// The step that failed: its last lines as BuildKit shows them, and the lines of the Dockerfile it
// is.
std::string describe_failure(FailureLog& log, const std::vector<PlannedTarget>& plans,
                             Error& error) {
  std::string text;
  for (const FailureLog::Failure& failure : log.failures()) {
    for (const PlannedTarget& plan : plans) {
      for (const dockerfile::Conversion& platform : plan.platforms) {
        if (error.spans().empty()) error = at_step(platform.definition, failure.vertex, error);
      }
    }
    if (failure.last_lines.empty()) continue;
    text += "------\n > " + failure.name + ":\n";
    for (const std::string& line : failure.last_lines) text += line + "\n";
    text += "------\n";
  }
  return text;
}

// What a step has written goes with its failure, so afterwards its words are what is left.
bool says_disk_is_full(FailureLog& log) {
  for (const FailureLog::Failure& failure : log.failures()) {
    for (const std::string& line : failure.last_lines) {
      if (line.find(std::strerror(ENOSPC)) != std::string::npos) return true;
    }
  }
  return false;
}

class BuildSession {
 public:
  BuildSession(Invocation& invocation, const BuildSessionOptions& options)
      : invocation_(invocation), options_(options) {}

  Result<int> run() {
    ShownProgress shown =
        TRY(show_progress(options_.quiet ? "quiet" : options_.progress, invocation_.environment));
    const Secrets secrets = TRY(collect_secrets(options_.targets, invocation_.environment));
    const ops::ExecOptions grants = TRY(allowed());
    auto store = TRY(open_store(invocation_));
    BuildRecord record =
        TRY(BuildHistory::begin(store->layout().history(), invocation_.arguments, target_names()));
    engine_ = TRY(Engine::create(std::move(store), {.invocation = invocation_,
                                                    .build_ref = record.ref(),
                                                    .secrets = secrets,
                                                    .allowed = grants,
                                                    .layer_split = options_.layer_split,
                                                    .on_warning = [](const std::string& warning) {
                                                      std::fprintf(stderr, "WARNING: %s\n",
                                                                   warning.c_str());
                                                    }}));
    progress::MultiSink sinks({shown.sink.get(), &failures_, &warnings_, &record.sink()});
    Result<std::vector<TargetOutcome>> outcomes = build(sinks);
    shown.finish();
    if (shown.for_people) print_warnings();
    const Status finished = engine_->finish();
    if (outcomes && !finished) outcomes = finished.error();
    if (!outcomes) {
      // On a full disk this fails as well; what the build has to say is told all the same.
      (void)record.complete(outcomes.error()).has_value();
      return report_failure(with_hints(std::move(outcomes).error()));
    }
    const std::string metadata = options_.bake ? bake_metadata(*outcomes, record.ref())
                                               : build_metadata(outcomes->at(0), record.ref());
    TRY(record.complete({}, metadata));
    return report(*outcomes, metadata);
  }

 private:
  Result<std::vector<TargetOutcome>> build(progress::Sink& sink) {
    bool pull = false;
    for (const bake::Target& target : options_.targets) pull |= target.pull;
    ImageLookup lookup(engine_->images(), engine_->layouts(), sink, pull, invocation_.stop);
    const auto contexts = engine_->context_reader(sink, invocation_.stop);
    Planner planner({.environment = invocation_.environment,
                     .base_directory = options_.base_directory,
                     .resolver = lookup,
                     .add_directory = [&](const auto& d) { return engine_->add_directory(d); },
                     .add_layout = [&](const auto& l) { return engine_->add_layout(l); },
                     .progress = sink,
                     .contexts = contexts.get(),
                     .check_devices = [&](const auto& d) { return engine_->check_devices(d); }});
    const std::vector<CacheSource> sources = TRY(cache_sources());
    std::vector<LoadedCache> caches;
    Result<std::vector<PlannedTarget>> plans = [&] {
      std::jthread loading;
      if (!sources.empty()) {
        loading = std::jthread([&] {
          caches = load_cache_sources(sources, engine_->registry(), sink, invocation_.stop);
        });
      }
      return planner.plan(options_.targets);
    }();
    dockerfiles_ = planner.dockerfiles();
    plans_ = TRY(std::move(plans));
    engine_->add_caches(std::move(caches));
    engine_->add_cache_mounts(sources);
    return run_builds(plans_, engine_->services(), sink, invocation_.stop);
  }

  void print_warnings() {
    const Environment& environment = invocation_.environment;
    const bool colors = environment.stderr_is_terminal && environment.get("NO_COLOR").empty();
    const std::string text =
        warnings_.text(dockerfiles_, {.details = invocation_.debug, .colors = colors});
    (void)write_all(STDERR_FILENO, text).has_value();  // a closed stderr must not end the build
  }

  // Each once: targets often share them.
  Result<std::vector<CacheSource>> cache_sources() const {
    std::vector<CacheSource> sources;
    for (const bake::Target& target : options_.targets) {
      for (const bake::Fields& fields : target.cache_from) {
        CacheSource source = TRY(parse_cache_source(fields, options_.base_directory));
        const bool known = std::ranges::any_of(
            sources, [&](const CacheSource& other) { return other.name() == source.name(); });
        if (!known) sources.push_back(std::move(source));
      }
    }
    return sources;
  }

  // Who asks for the host's network for all of a target's steps has allowed it.
  Result<ops::ExecOptions> allowed() const {
    constexpr std::string_view kDevice = "device=";
    ops::ExecOptions allowed;
    for (const bake::Target& target : options_.targets) {
      if (target.network == "host") allowed.allow_host_network = true;
      for (const std::string& entitlement : target.entitlements) {
        if (entitlement == "security.insecure") allowed.allow_insecure = true;
        if (entitlement == "network.host") allowed.allow_host_network = true;
        if (entitlement == "device") allowed.devices.all = true;
        if (entitlement.starts_with(kDevice)) {
          TRY(allowed.devices.add(std::string_view(entitlement).substr(kDevice.size())));
        }
      }
    }
    return allowed;
  }

  std::vector<std::string> target_names() const {
    std::vector<std::string> names;
    for (const bake::Target& target : options_.targets) names.push_back(target.name);
    return names;
  }

  Result<int> report(const std::vector<TargetOutcome>& outcomes, const std::string& metadata) {
    if (!options_.metadata_file.empty()) {
      TRY(exporter::OutputFile::write(options_.metadata_file, metadata));
    }
    const std::string id = outcomes.empty() ? "" : image_id(outcomes[0]).str();
    if (!options_.iidfile.empty()) TRY(exporter::OutputFile::write(options_.iidfile, id));
    if (options_.quiet && !id.empty()) std::printf("%s\n", id.c_str());
    return 0;
  }

  Error with_hints(Error error) {
    error = with_full_disk_hint(std::move(error), invocation_);
    if (!error.hint().empty() || !says_disk_is_full(failures_)) return error;
    return std::move(error).with_hint("unless the step filled a disk of its own, " +
                                      store::full_disk_hint(engine_->store().layout().root()));
  }

  Result<int> report_failure(Error error) {
    const std::string failed = describe_failure(failures_, plans_, error);
    std::fputs(failed.c_str(), stderr);
    std::fputs(describe(error, dockerfiles_).c_str(), stderr);
    return exit_code(error);
  }

  Invocation& invocation_;
  const BuildSessionOptions& options_;
  FailureLog failures_;
  WarningLog warnings_;
  std::map<std::string, std::string> dockerfiles_;
  std::vector<PlannedTarget> plans_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace

Result<int> run_build_session(Invocation& invocation, const BuildSessionOptions& options) {
  return BuildSession(invocation, options).run();
}

}  // namespace slipway::cli
