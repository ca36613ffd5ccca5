#include "cli/build_run.h"

#include <algorithm>
#include <thread>

#include "base/base64.h"
#include "cache/cache_config.h"
#include "cli/cache_export.h"
#include "cli/cache_mount_export.h"
#include "cli/internal_step.h"
#include "exporter/image_options.h"
#include "progress/joined.h"
#include "store/result_id.h"

namespace slipway::cli {
namespace {

struct Output {
  std::unique_ptr<exporter::Exporter> exporter;
  std::optional<exporter::ExportedImage> image;
  Digest step;  // that shows it
};

// A target on its way.
struct TargetRun {
  const PlannedTarget& plan;
  std::vector<Output> outputs;
  std::vector<CacheTarget> caches;
  std::optional<CacheExport> cache_export;  // once it is solved, when there are caches
  Status status;
};

Result<std::vector<CacheTarget>> cache_targets(const PlannedTarget& plan,
                                               const BuildServices& services) {
  std::vector<CacheTarget> targets;
  for (const bake::Fields& fields : plan.target.cache_to) {
    targets.push_back(TRY(parse_cache_target(fields, services.working_directory)));
  }
  return targets;
}

Result<std::vector<Output>> make_outputs(const PlannedTarget& plan, const BuildServices& services) {
  std::vector<bake::Fields> wanted = plan.target.outputs;
  if (wanted.empty()) wanted.push_back({{"type", "image"}});
  std::vector<Output> outputs;
  for (const bake::Fields& fields : wanted) {
    outputs.push_back({TRY(exporter::make_exporter({.fields = fields,
                                                    .names = plan.target.tags,
                                                    .annotations = plan.target.annotations,
                                                    .working_directory = services.working_directory,
                                                    .layer_split = services.layer_split})),
                       std::nullopt});
  }
  return outputs;
}

// Layers that outputs want alike are made once.
void start_layers(const PlannedTarget& plan, const std::vector<Output>& outputs,
                  LayerStarter& starter) {
  for (const Output& output : outputs) {
    const auto choice = output.exporter->layers(plan.conversion.epoch);
    if (choice) starter.watch(plan.conversion.definition, *choice);
  }
}

Result<solver::StepResult> solve(const PlannedTarget& plan, const BuildServices& services,
                                 progress::Sink& progress, std::stop_token stop) {
  const graph::Definition& definition = plan.conversion.definition;
  if (!definition.root()) return solver::StepResult{};
  auto results = TRY(services.scheduler.solve({definition, {*definition.root()}, progress, stop}));
  return std::move(results.at(0));
}

// The images that a graph starts from.
std::vector<Reference> source_images(const graph::Definition& definition) {
  constexpr std::string_view kScheme = "docker-image://";
  std::vector<Reference> images;
  for (const graph::Vertex& vertex : definition.vertices()) {
    const auto* source = std::get_if<graph::SourceOp>(&vertex.op);
    if (source == nullptr || !source->identifier.starts_with(kScheme)) continue;
    const auto image = Reference::parse(source->identifier.substr(kScheme.size()));
    if (image) images.push_back(*image);
  }
  return images;
}

// What the outputs need of a result of which only the layers' names are known.
exporter::Needs needs_of(const TargetRun& run) {
  exporter::Needs most = exporter::Needs::Names;
  for (const Output& output : run.outputs) {
    most = std::max(most, output.exporter->needs(run.plan.conversion.epoch));
  }
  return most;
}

// What exporters get of a result; where not all of it is here, no more is fetched than they need.
Result<exporter::BuildResult> exportable(const TargetRun& run, solver::StepResult solved,
                                         const BuildServices& services, progress::Sink& progress,
                                         std::stop_token stop) {
  exporter::BuildResult result;
  result.config = run.plan.conversion.config;
  result.epoch = run.plan.conversion.epoch;
  result.base_images = source_images(run.plan.conversion.definition);
  if (const auto stack = RemoteResults::named_stack_of(solved)) {
    const std::optional<Reference> registry = services.remote_results.registry_of(*stack->base);
    const exporter::Needs needs = needs_of(run);
    const bool names_do = registry && needs == exporter::Needs::Names;
    // A cached result that is fetched stays, as a whole: the next build finds it in the store.
    const bool blobs_do = !stack->cached && needs != exporter::Needs::Files;
    const auto load = [&](const auto& fetch) {
      return as_step(progress, stack->cached ? "loading cached result" : "loading base image",
                     fetch);
    };
    if (!names_do && blobs_do) {
      TRY(load([&](progress::VertexReporter& reporter) {
        return services.remote_results.fetch_blobs(*stack->base, reporter, stop);
      }));
    }
    if (names_do || blobs_do) {
      result.named_layers = named_layers(stack->base->stack);
      result.own_layers = stack->own;
      result.pin = std::move(solved.keep_alive);
      if (registry) result.base_images.insert(result.base_images.begin(), *registry);
      return result;
    }
    solved = TRY(load([&](progress::VertexReporter& reporter) {
      return services.remote_results.fetch(solved, reporter, stop);
    }));
  }
  const auto snapshot = store::snapshot_of_result(solved.id);
  if (!snapshot) {
    return make_error(ErrorCode::Unsupported, "the result of target {} is no file system",
                      run.plan.target.name);
  }
  result.snapshot = *snapshot;
  result.pin = std::move(solved.keep_alive);
  return result;
}

// How the layers of a target's image are made; of a build without one, as those of an image that
// nothing was said about.
exporter::LayerChoice image_layers(const TargetRun& run, const BuildServices& services) {
  for (const Output& output : run.outputs) {
    const auto choice = output.exporter->layers(run.plan.conversion.epoch);
    if (choice) return *choice;
  }
  exporter::LayerChoice choice;
  choice.split_above = exporter::parse_layer_split(services.layer_split).value_or(0);
  return choice;
}

// The member of the image's config that holds its inline cache, where one is wanted.
exporter::ConfigMembers inline_cache(const TargetRun& run, progress::VertexReporter& reporter,
                                     std::stop_token stop) {
  const auto wanted = std::ranges::find(run.caches, CachePlace::Inline, &CacheTarget::place);
  if (wanted == run.caches.end()) return {};
  return [&run, &reporter, stop, target = *wanted](
             const std::vector<exporter::Layer>& layers,
             const exporter::LayerChoice& choice) -> Result<std::map<std::string, std::string>> {
    const std::string json =
        TRY(run.cache_export->inline_json(target, layers, choice, reporter, stop));
    std::map<std::string, std::string> members;
    if (!json.empty()) members[cache::kInlineCacheMember] = "\"" + encode_base64(json) + "\"";
    return members;
  };
}

Status build_target(TargetRun& run, const BuildServices& services, progress::Sink& progress,
                    std::stop_token stop) {
  const solver::StepResult solved = TRY(solve(run.plan, services, progress, stop));
  exporter::BuildResult result = TRY(exportable(run, solved, services, progress, stop));
  if (!run.caches.empty()) {
    const CacheExportServices parts{services.cache, services.remote_results, services.store,
                                    services.registry, services.pool};
    run.cache_export.emplace(parts, solved, result.base_images, image_layers(run, services));
  }
  for (Output& output : run.outputs) {
    output.image =
        TRY(as_step(progress, output.exporter->name(), [&](progress::VertexReporter& reporter) {
          output.step = reporter.vertex();
          result.config_members = inline_cache(run, reporter, stop);
          return output.exporter->run(
              result, {services.store, services.registry, services.pool, reporter, stop});
        }));
  }
  return {};
}

Status publish_outputs(TargetRun& run, const BuildServices& services, progress::Sink& progress,
                       std::stop_token stop) {
  for (Output& output : run.outputs) {
    ResumedStep step(progress, output.exporter->name(), output.step);
    progress::VertexReporter reporter(step, output.step);
    const Status published = output.exporter->finalize(
        {services.store, services.registry, services.pool, reporter, stop});
    step.end(published);
    if (!published) return published;
  }
  return {};
}

// With ignore-error a failure is a warning.
Status unless_ignored(Status written, const CacheTarget& target, progress::VertexReporter& reporter,
                      const std::stop_token& stop) {
  if (written || !target.ignore_error || stop.stop_requested()) return written;
  reporter.warn(written.error().message());
  return {};
}

Status write_cache(const TargetRun& run, const CacheTarget& target, progress::Sink& progress,
                   std::stop_token stop) {
  const char* name = target.place == CachePlace::Local ? "exporting cache to client directory"
                                                       : "exporting cache to registry";
  return as_step(progress, name, [&](progress::VertexReporter& reporter) -> Status {
    return unless_ignored(
        run.cache_export->write(target, reporter, stop).context("export cache to " + target.name()),
        target, reporter, stop);
  });
}

// Beside that cache, at the same time; an option of ours.
Status write_mounts(const TargetRun& run, const CacheTarget& target, const BuildServices& services,
                    progress::Sink& progress, std::stop_token stop) {
  const graph::Definition& definition = run.plan.conversion.definition;
  if (!has_cache_mounts(target, definition)) return {};
  const char* name = target.place == CachePlace::Local
                         ? "exporting cache mounts to client directory"
                         : "exporting cache mounts to registry";
  return as_step(progress, name, [&](progress::VertexReporter& reporter) {
    const CacheMountServices parts{services.cache_mounts, services.store, services.registry,
                                   services.pool};
    return unless_ignored(write_cache_mounts(target, definition, parts, reporter, stop)
                              .context("export cache mounts to " + target.name()),
                          target, reporter, stop);
  });
}

// Images and caches at the same time: they share what they upload.
Status publish(TargetRun& run, const BuildServices& services, progress::Sink& progress,
               std::stop_token stop) {
  std::vector<Status> written(run.caches.size());
  std::vector<Status> mounts_written(run.caches.size());
  Status published;
  {
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < run.caches.size(); ++i) {
      if (run.caches[i].place == CachePlace::Inline) continue;
      threads.emplace_back(
          [&, i] { written[i] = write_cache(run, run.caches[i], progress, stop); });
      threads.emplace_back([&, i] {
        mounts_written[i] = write_mounts(run, run.caches[i], services, progress, stop);
      });
    }
    published = publish_outputs(run, services, progress, stop);
  }
  TRY(std::move(published));
  for (Status& status : written) TRY(std::move(status));
  for (Status& status : mounts_written) TRY(std::move(status));
  return {};
}

// Calls `work` for each run at the same time. When one fails the others are told to stop; returns
// the error of the first that failed by itself.
Status for_each_run(std::vector<TargetRun>& runs, std::stop_token stop,
                    const std::function<Status(TargetRun&, std::stop_token)>& work) {
  std::stop_source any_failed;
  const std::stop_callback forward(stop, [&] { any_failed.request_stop(); });
  {
    std::vector<std::jthread> threads;
    for (TargetRun& run : runs) {
      threads.emplace_back([&] {
        run.status = work(run, any_failed.get_token());
        if (!run.status) any_failed.request_stop();
      });
    }
  }
  Status outcome;
  for (TargetRun& run : runs) {
    if (run.status) continue;
    if (outcome || outcome.error().code() == ErrorCode::Cancelled) outcome = run.status;
  }
  return outcome;
}

}  // namespace

Result<std::vector<TargetOutcome>> run_builds(const std::vector<PlannedTarget>& plans,
                                              const BuildServices& services,
                                              progress::Sink& progress, std::stop_token stop) {
  std::vector<TargetRun> runs;
  for (const PlannedTarget& plan : plans) {
    std::vector<Output> outputs = TRY(make_outputs(plan, services));
    std::vector<CacheTarget> caches = TRY(cache_targets(plan, services));
    runs.push_back({plan, std::move(outputs), std::move(caches), std::nullopt, {}});
    start_layers(plan, runs.back().outputs, services.layers);
    services.remote_results.watch(plan.conversion.definition);
  }
  progress::JoinedSink joined(progress);
  const auto phase = [&](const auto& work) {
    return for_each_run(runs, stop, [&](TargetRun& run, std::stop_token token) {
      if (plans.size() == 1) return work(run, services, progress, token);
      const std::unique_ptr<progress::Sink> own = joined.target(run.plan.target.name);
      return work(run, services, *own, token);
    });
  };
  TRY(phase(build_target));
  TRY(phase(publish));
  std::vector<TargetOutcome> outcomes;
  for (TargetRun& run : runs) {
    TargetOutcome outcome{run.plan.target.name, {}};
    for (Output& output : run.outputs) outcome.images.push_back(*std::move(output.image));
    outcomes.push_back(std::move(outcome));
  }
  return outcomes;
}

}  // namespace slipway::cli
