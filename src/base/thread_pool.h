// ThreadPool: a fixed number of threads that run submitted work in order of submission.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "base/guarded.h"

namespace slipway {

// Background: for work that may take all of an idle machine but that nobody waits for yet.
enum class ThreadPriority { Normal, Background };
// Of the calling thread, for good: only root may raise it again.
void set_thread_priority(ThreadPriority priority);

class ThreadPool {
 public:
  explicit ThreadPool(size_t threads, ThreadPriority priority = ThreadPriority::Normal);
  // Finishes all submitted work, then joins.
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // Runs `work` on one of the threads. Work must not throw, and must not wait for other work of
  // the same pool unless that work was submitted by parallel_for (which helps itself).
  void submit(std::function<void()> work);

  // Calls body(0) ... body(count - 1), on the pool's threads and on the caller's; returns when all
  // are done. Safe to call from inside the pool's own work: the caller never just waits.
  void parallel_for(size_t count, const std::function<void(size_t)>& body);

  size_t thread_count() const { return threads_.size(); }

 private:
  struct Queue {
    std::deque<std::function<void()>> work;
    bool closed = false;
  };
  void run();

  Guarded<Queue> queue_;
  std::vector<std::jthread> threads_;
};

}  // namespace slipway
