#include "ops/job_group.h"

namespace slipway::ops {

JobGroup::~JobGroup() {
  auto state = shared_->lock();
  state->waiting.clear();
  state.wait([](const State& s) { return s.running == 0; });
}

bool JobGroup::run_one(Shared& shared) {
  Job job;
  {
    auto state = shared.lock();
    if (state->waiting.empty()) return false;
    job = std::move(state->waiting.front());
    state->waiting.pop_front();
    ++state->running;
  }
  Status status = job();
  job = nullptr;  // what it holds goes before anybody is told
  {
    auto state = shared.lock();
    --state->running;
    if (!status && state->status) {
      state->status = std::move(status);
      state->waiting.clear();
    }
  }
  shared.notify_all();
  return true;
}

void JobGroup::add(Job job) {
  const size_t limit = 4 * pool_.thread_count() + 4;
  size_t waiting = 0;
  {
    auto state = shared_->lock();
    if (!state->status) return;
    state->waiting.push_back(std::move(job));
    waiting = state->waiting.size();
  }
  pool_.submit([shared = shared_] { run_one(*shared); });
  if (waiting > limit) run_one(*shared_);
}

Status JobGroup::wait() {
  while (run_one(*shared_)) {
  }
  auto state = shared_->lock();
  state.wait([](const State& s) { return s.running == 0; });
  return state->status;
}

}  // namespace slipway::ops
