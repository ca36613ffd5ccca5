// Scheduler: brings the steps of many jobs to their results. One owner thread holds all state;
// workers only compute. Steps with equal vertices are shared between jobs, steps with equal keys
// run once. The graph is never rewritten.
#pragma once

#include <memory>
#include <stop_token>
#include <vector>

#include "base/result.h"
#include "graph/definition.h"
#include "progress/sink.h"
#include "solver/cache_index.h"
#include "solver/op_runner.h"

namespace slipway::solver {

struct SchedulerOptions {
  size_t max_running =
      0;  // steps that run at the same time; 0: four, or two for each CPU when that is more
};

struct Job {
  const graph::Definition& definition;
  std::vector<graph::Edge> roots;
  progress::Sink& progress;
  std::stop_token stop;
};

class Scheduler {
 public:
  // The three must outlive the scheduler.
  Scheduler(OpRunner& runner, CacheIndex& cache, SchedulerOptions options = {});
  // No solve() may be under way. Waits for workers that were told to stop.
  ~Scheduler();

  // The result of each root, in order. Blocks; any thread may call it at any time. Returns the
  // error of the first step that fails (what only this job wanted is then stopped), Cancelled when
  // `stop` is requested.
  Result<std::vector<StepResult>> solve(const Job& job);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace slipway::solver
