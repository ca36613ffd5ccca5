#include "solver/scheduler.h"

#include <algorithm>
#include <functional>
#include <future>
#include <map>
#include <set>
#include <string>
#include <thread>

#include "base/check.h"
#include "solver/step_machine.h"

namespace slipway::solver {
namespace {

constexpr size_t kAskers = 8;

size_t runner_count(const SchedulerOptions& options) {
  if (options.max_running != 0) return options.max_running;
  return std::max<size_t>(4, 2 * std::thread::hardware_concurrency());
}

// Steps are shared by what they are; a step whose cache is to be ignored is another one.
std::string step_name(const graph::Vertex& vertex) {
  return vertex.digest.str() + (vertex.metadata.ignore_cache ? " no-cache" : "");
}

}  // namespace

// A job under way. It ends in two moves: the outcome is known, then its abandoned workers have
// stopped.
struct RunningJob {
  uint64_t id = 0;
  std::vector<StepInput> roots;
  std::set<std::shared_ptr<Step>> steps;
  std::optional<Result<std::vector<StepResult>>> outcome;
  std::set<std::shared_ptr<Step>> stopping;
  std::promise<Result<std::vector<StepResult>>> done;
};

class Scheduler::Impl {
 public:
  Impl(OpRunner& runner, CacheIndex& cache, const SchedulerOptions& options)
      : machine_(runner, cache, workers_), workers_(runner_count(options), kAskers) {
    machine_.on_settled = [this] { look_after_jobs(); };
  }

  Result<std::vector<StepResult>> solve(const Job& spec) {
    auto job = std::make_shared<RunningJob>();
    std::future<Result<std::vector<StepResult>>> done = job->done.get_future();
    // `spec` stays valid: this call does not return before the job has ended.
    workers_.post([this, job, &spec] { add(job, spec); });
    const std::stop_callback on_stop(spec.stop,
                                     [this, job] { workers_.post([this, job] { cancel(*job); }); });
    return done.get();
  }

 private:
  void add(const std::shared_ptr<RunningJob>& job, const Job& spec) {
    job->id = next_job_++;
    jobs_[job->id] = job;
    std::map<graph::VertexIndex, std::shared_ptr<Step>> made;
    for (const graph::Edge& root : spec.roots) {
      job->roots.push_back({join(*job, spec, root.vertex, made), root.output});
    }
    for (const StepInput& root : job->roots) machine_.want(*root.step, Want::Result);
    machine_.settle();
  }

  // The step of a vertex, with the job as one of its owners; made when nobody has one that can be
  // shared.
  std::shared_ptr<Step> join(RunningJob& job, const Job& spec, graph::VertexIndex index,
                             std::map<graph::VertexIndex, std::shared_ptr<Step>>& made) {
    // Vertices come after their inputs, so an ordered walk over those needed replaces recursion.
    std::set<graph::VertexIndex> needed{index};
    for (auto at = needed.rbegin(); at != needed.rend(); ++at) {
      for (const graph::Edge& input : spec.definition.vertex(*at).inputs) {
        CHECK(input.vertex < *at);
        needed.insert(input.vertex);
      }
    }
    for (const graph::VertexIndex at : needed) {
      if (made.contains(at)) continue;
      const graph::Vertex& vertex = spec.definition.vertex(at);
      std::vector<StepInput> inputs;
      for (const graph::Edge& input : vertex.inputs) {
        inputs.push_back({made.at(input.vertex), input.output});
      }
      made[at] = share_or_make(job, spec, vertex, std::move(inputs));
    }
    return made.at(index);
  }

  std::shared_ptr<Step> share_or_make(RunningJob& job, const Job& spec, const graph::Vertex& vertex,
                                      std::vector<StepInput> inputs) {
    std::shared_ptr<Step>& slot = steps_[step_name(vertex)];
    if (!slot || !can_share(*slot, inputs)) {
      slot = std::make_shared<Step>();
      slot->vertex = vertex;
      slot->inputs = std::move(inputs);
      for (const StepInput& input : slot->inputs) input.step->dependents.push_back(slot.get());
      progress::VertexEvent event = event_of(vertex);
      for (const StepInput& input : slot->inputs) {
        event.inputs.push_back(input.step->vertex.digest);
      }
      slot->progress->handle(event);
    }
    slot->jobs.insert(job.id);
    slot->progress->attach(job.id, spec.progress);
    job.steps.insert(slot);
    return slot;
  }

  // A step that has failed is tried again for a new job, and so is everything above it. Equal
  // vertices can still stand on different steps: one of them may have been made with --no-cache.
  static bool can_share(const Step& step, const std::vector<StepInput>& inputs) {
    return step.state != State::Failed &&
           std::ranges::equal(step.inputs, inputs, [](const StepInput& a, const StepInput& b) {
             return a.step == b.step && a.output == b.output;
           });
  }

  void cancel(RunningJob& job) {
    if (!job.outcome) job.outcome = make_error(ErrorCode::Cancelled, "cancelled");
    look_after_jobs();
  }

  void look_after_jobs() {
    for (auto at = jobs_.begin(); at != jobs_.end();) {
      RunningJob& job = *at->second;
      if (!job.outcome) judge(job);
      if (job.outcome) leave(job);
      std::erase_if(job.stopping, [](const auto& step) { return step->has_ended(); });
      if (!job.outcome || !job.stopping.empty()) {
        ++at;
        continue;
      }
      job.done.set_value(*std::move(job.outcome));
      at = jobs_.erase(at);
    }
  }

  static void judge(RunningJob& job) {
    for (const StepInput& root : job.roots) {
      if (root.step->state == State::Failed) {
        job.outcome = *root.step->error;
        return;
      }
    }
    std::vector<StepResult> results;
    for (const StepInput& root : job.roots) {
      if (root.step->state != State::Done) return;
      StepResult& result =
          results.emplace_back(root.step->results.at(static_cast<size_t>(root.output)));
      result.identity = output_identity(root.step->identity, root.output);
    }
    job.outcome = std::move(results);
  }

  // Takes the job from its steps; those that nobody else wants go, their workers are told to stop.
  void leave(RunningJob& job) {
    for (const std::shared_ptr<Step>& step : std::exchange(job.steps, {})) {
      step->jobs.erase(job.id);
      if (!step->jobs.empty()) {
        step->progress->detach(job.id);
        continue;
      }
      machine_.abandon(*step);
      if (step->is_busy()) job.stopping.insert(step);
      for (const StepInput& input : step->inputs) std::erase(input.step->dependents, step.get());
      const auto slot = steps_.find(step_name(step->vertex));
      if (slot != steps_.end() && slot->second == step) steps_.erase(slot);
      // What is stopping may still report, into its own job, until it has ended.
      if (!step->is_busy()) step->progress->detach(job.id);
    }
  }

  std::map<std::string, std::shared_ptr<Step>> steps_;
  std::map<uint64_t, std::shared_ptr<RunningJob>> jobs_;
  uint64_t next_job_ = 1;
  StepMachine machine_;
  Workers workers_;  // last: its end waits for the owner thread, which uses all of the above
};

Scheduler::Scheduler(OpRunner& runner, CacheIndex& cache, SchedulerOptions options)
    : impl_(std::make_unique<Impl>(runner, cache, options)) {}

Scheduler::~Scheduler() = default;

Result<std::vector<StepResult>> Scheduler::solve(const Job& job) {
  return impl_->solve(job);
}

}  // namespace slipway::solver
