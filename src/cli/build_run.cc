#include "cli/build_run.h"

#include <thread>

#include "cli/internal_step.h"
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
  Status status;
};

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

Status build_target(TargetRun& run, const BuildServices& services, progress::Sink& progress,
                    std::stop_token stop) {
  const solver::StepResult solved = TRY(solve(run.plan, services, progress, stop));
  const auto snapshot = store::snapshot_of_result(solved.id);
  if (!snapshot) {
    return make_error(ErrorCode::Unsupported, "the result of target {} is no file system",
                      run.plan.target.name);
  }
  const exporter::BuildResult result{*snapshot, solved.keep_alive, run.plan.conversion.config,
                                     run.plan.conversion.epoch,
                                     source_images(run.plan.conversion.definition)};
  for (Output& output : run.outputs) {
    output.image =
        TRY(as_step(progress, output.exporter->name(), [&](progress::VertexReporter& reporter) {
          output.step = reporter.vertex();
          return output.exporter->run(
              result, {services.store, services.registry, services.pool, reporter, stop});
        }));
  }
  return {};
}

Status publish(TargetRun& run, const BuildServices& services, progress::Sink& progress,
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
    runs.push_back({plan, TRY(make_outputs(plan, services)), {}});
    start_layers(plan, runs.back().outputs, services.layers);
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
