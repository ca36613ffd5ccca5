// Workers: the scheduler's threads. Work runs on a pool; what follows from it runs on the owner
// thread.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <thread>

#include "base/guarded.h"
#include "base/thread_pool.h"

namespace slipway::solver {

class Workers {
 public:
  // Steps that run get threads of their own (`runners`), so that long ones never hold up the short
  // questions (`askers`) that find out what must run.
  Workers(size_t runners, size_t askers);
  // Ends the owner thread after all work is done.
  ~Workers();

  enum class Kind { Ask, Run };

  // Calls `work` on a pool thread, then `then` with its value on the owner thread.
  template <typename Work, typename Then>
  void start(Kind kind, Work work, Then then) {
    pool(kind).submit([this, work = std::move(work), then = std::move(then)]() mutable {
      // std::function wants copies; the value may be move-only, so it travels in a shared box.
      auto value = std::make_shared<decltype(work())>(work());
      post([then = std::move(then), value]() mutable { then(std::move(*value)); });
    });
  }

  // Calls `event` on the owner thread, in the order of posting.
  void post(std::function<void()> event);

 private:
  struct Events {
    std::deque<std::function<void()>> queue;
    bool closed = false;
  };
  ThreadPool& pool(Kind kind) { return kind == Kind::Run ? *runners_ : *askers_; }
  void run_events();

  Guarded<Events> events_;
  std::jthread owner_;
  std::unique_ptr<ThreadPool> runners_;
  std::unique_ptr<ThreadPool> askers_;
};

}  // namespace slipway::solver
