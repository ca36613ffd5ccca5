// JobGroup: fallible work for a ThreadPool that belongs together. Whoever adds and waits helps, so
// it works inside the pool's own work, and what is waiting is bounded.
#pragma once

#include <deque>
#include <functional>
#include <memory>

#include "base/guarded.h"
#include "base/result.h"
#include "base/thread_pool.h"

namespace slipway::ops {

class JobGroup {
 public:
  using Job = std::function<Status()>;

  explicit JobGroup(ThreadPool& pool) : pool_(pool) {}
  // Waits for jobs that have begun; drops the others.
  ~JobGroup();

  // After a failure jobs are dropped.
  void add(Job job);
  // Waits for all; the first failure, if there was one. More may be added afterwards.
  Status wait();

 private:
  struct State {
    std::deque<Job> waiting;
    size_t running = 0;
    Status status;
  };
  using Shared = Guarded<State>;
  static bool run_one(Shared& shared);

  ThreadPool& pool_;
  // Co-owned by the pool's work, which may start after we are gone.
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

}  // namespace slipway::ops
