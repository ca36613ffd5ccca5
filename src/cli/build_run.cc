#include "cli/build_run.h"

#include <algorithm>
#include <thread>

#include "base/base64.h"
#include "cache/cache_config.h"
#include "cli/attestations.h"
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

// The graphs of a target's platforms as one: what they have in common is solved once.
struct JoinedGraph {
  graph::Definition definition;
  std::vector<std::optional<graph::Edge>> results;  // by platform; nullopt: no file at all

  explicit JoinedGraph(const PlannedTarget& plan) {
    graph::DefinitionBuilder builder;
    for (const dockerfile::Conversion& platform : plan.platforms) {
      results.push_back(builder.import(platform.definition));
    }
    definition = std::move(builder).build_all();
  }
};

// A target on its way.
struct TargetRun {
  const PlannedTarget& plan;
  JoinedGraph graph;
  std::vector<Output> outputs;
  std::vector<CacheTarget> caches;
  WantedAttestations attestations;
  progress::Time finished;                  // when it was solved
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
                                                    .layer_split = services.layer_split,
                                                    .load_command = services.load_command})),
                       std::nullopt});
  }
  return outputs;
}

// All platforms of a target have one.
std::optional<int64_t> epoch_of(const PlannedTarget& plan) {
  return plan.platforms.front().epoch;
}

// Layers that outputs want alike are made once.
void start_layers(const PlannedTarget& plan, const std::vector<Output>& outputs,
                  LayerStarter& starter) {
  for (const Output& output : outputs) {
    const auto choice = output.exporter->layers(epoch_of(plan));
    if (!choice) continue;
    for (const dockerfile::Conversion& platform : plan.platforms) {
      starter.watch(platform.definition, *choice);
    }
  }
}

// The result of each platform, in order.
Result<std::vector<solver::StepResult>> solve(const JoinedGraph& graph,
                                              const BuildServices& services,
                                              progress::Sink& progress, std::stop_token stop) {
  solver::Job job{graph.definition, {}, progress, stop};
  for (const std::optional<graph::Edge>& edge : graph.results) {
    if (edge) job.roots.push_back(*edge);
  }
  std::vector<solver::StepResult> solved;
  if (!job.roots.empty()) solved = TRY(services.scheduler.solve(job));
  std::vector<solver::StepResult> results;
  size_t next = 0;
  for (const std::optional<graph::Edge>& edge : graph.results) {
    results.push_back(edge ? std::move(solved.at(next++)) : solver::StepResult());
  }
  return results;
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
  if (run.attestations.sbom) return exporter::Needs::Files;
  exporter::Needs most = exporter::Needs::Names;
  for (const Output& output : run.outputs) {
    most = std::max(most, output.exporter->needs(epoch_of(run.plan)));
  }
  return most;
}

// What exporters get of a platform's result; where not all of it is here, no more is fetched than
// they need.
Result<exporter::PlatformResult> exportable(const TargetRun& run,
                                            const dockerfile::Conversion& platform,
                                            solver::StepResult solved,
                                            const BuildServices& services, progress::Sink& progress,
                                            std::stop_token stop) {
  exporter::PlatformResult result;
  result.platform = platform.platform;
  result.config = platform.config;
  result.epoch = platform.epoch;
  result.base_images = source_images(platform.definition);
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
    const auto choice = output.exporter->layers(epoch_of(run.plan));
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

BuildFacts facts_of(const TargetRun& run, const BuildServices& services) {
  return {services.build_ref, services.started, run.finished};
}

// What is to be said about a platform's image; empty: nothing.
exporter::Attest attestations_of(const TargetRun& run, const dockerfile::Conversion& platform,
                                 store::SnapshotId snapshot, const BuildServices& services,
                                 progress::VertexReporter& reporter, std::stop_token stop) {
  if (!run.attestations.any()) return {};
  return [&run, &platform, snapshot, &services, &reporter,
          stop](const std::vector<Descriptor>& layers) {
    return make_attestations(run.attestations, {run.plan.target, platform, snapshot},
                             facts_of(run, services), layers, services.store, reporter, stop);
  };
}

// What only lives as long as the step of one output.
void prepare_for_output(exporter::BuildResult& result, const TargetRun& run,
                        const BuildServices& services, progress::VertexReporter& reporter,
                        std::stop_token stop) {
  for (size_t i = 0; i < result.platforms.size(); ++i) {
    exporter::PlatformResult& platform = result.platforms[i];
    platform.config_members = inline_cache(run, reporter, stop);
    platform.attest =
        attestations_of(run, run.plan.platforms[i], platform.snapshot, services, reporter, stop);
  }
}

Status build_target(TargetRun& run, const BuildServices& services, progress::Sink& progress,
                    std::stop_token stop) {
  const std::vector<solver::StepResult> solved = TRY(solve(run.graph, services, progress, stop));
  run.finished = std::chrono::system_clock::now();
  exporter::BuildResult result{.multi_platform = run.plan.multi_platform};
  std::vector<Reference> base_images;
  for (size_t i = 0; i < solved.size(); ++i) {
    exporter::PlatformResult platform =
        TRY(exportable(run, run.plan.platforms[i], solved[i], services, progress, stop));
    std::ranges::copy(platform.base_images, std::back_inserter(base_images));
    result.platforms.push_back(std::move(platform));
  }
  if (!run.caches.empty()) {
    const CacheExportServices parts{services.cache, services.remote_results, services.store,
                                    services.registry, services.pool};
    run.cache_export.emplace(parts, solved, std::move(base_images), image_layers(run, services));
  }
  for (Output& output : run.outputs) {
    output.image =
        TRY(as_step(progress, output.exporter->name(), [&](progress::VertexReporter& reporter) {
          output.step = reporter.vertex();
          prepare_for_output(result, run, services, reporter, stop);
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
  const graph::Definition& definition = run.graph.definition;
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

std::map<std::string, std::string> provenance_of(const TargetRun& run,
                                                 const BuildServices& services) {
  std::map<std::string, std::string> predicates;
  if (!run.attestations.provenance) return predicates;
  ProvenanceOptions options = *run.attestations.provenance;
  options.max = false;
  for (const dockerfile::Conversion& platform : run.plan.platforms) {
    const std::string name = run.plan.multi_platform ? platform.platform.str() : "";
    predicates[name] =
        provenance_predicate(run.plan.target, platform, options, facts_of(run, services), {});
  }
  return predicates;
}

}  // namespace

Result<std::vector<TargetOutcome>> run_builds(const std::vector<PlannedTarget>& plans,
                                              const BuildServices& services,
                                              progress::Sink& progress, std::stop_token stop) {
  std::vector<TargetRun> runs;
  for (const PlannedTarget& plan : plans) {
    std::vector<Output> outputs = TRY(make_outputs(plan, services));
    std::vector<CacheTarget> caches = TRY(cache_targets(plan, services));
    WantedAttestations attestations = TRY(wanted_attestations(plan.target));
    runs.push_back({plan, JoinedGraph(plan), std::move(outputs), std::move(caches),
                    std::move(attestations), progress::Time(), std::nullopt, Status()});
    start_layers(plan, runs.back().outputs, services.layers);
    for (const dockerfile::Conversion& platform : plan.platforms) {
      services.remote_results.watch(platform.definition);
    }
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
    TargetOutcome outcome{run.plan.target.name, {}, provenance_of(run, services)};
    for (Output& output : run.outputs) outcome.images.push_back(*std::move(output.image));
    outcomes.push_back(std::move(outcome));
  }
  return outcomes;
}

}  // namespace slipway::cli
