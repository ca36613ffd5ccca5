#include "base/thread_pool.h"

#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <memory>

namespace slipway {

void set_thread_priority(ThreadPriority priority) {
  if (priority == ThreadPriority::Normal) return;
  // A tenth of what a thread of normal priority gets. Linux keeps it per thread. Not the idle
  // class: somebody may come to wait for the work while strangers keep the machine busy.
  constexpr int kNice = 10;
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNice);
}

ThreadPool::ThreadPool(size_t threads, ThreadPriority priority) {
  threads_.reserve(threads);
  for (size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this, priority] {
      set_thread_priority(priority);
      run();
    });
  }
}

ThreadPool::~ThreadPool() {
  queue_.lock()->closed = true;
  queue_.notify_all();
}

void ThreadPool::submit(std::function<void()> work) {
  queue_.lock()->work.push_back(std::move(work));
  queue_.notify_one();
}

void ThreadPool::run() {
  for (;;) {
    std::function<void()> work;
    {
      auto queue = queue_.lock();
      queue.wait([](const Queue& q) { return q.closed || !q.work.empty(); });
      if (queue->work.empty()) return;
      work = std::move(queue->work.front());
      queue->work.pop_front();
    }
    work();
  }
}

void ThreadPool::parallel_for(size_t count, const std::function<void(size_t)>& body) {
  // The state is shared with helpers that may wake only after the caller did all the work and left.
  struct Shared {
    const std::function<void(size_t)>* body;
    size_t count;
    std::atomic<size_t> next{0};
    Guarded<size_t> done{size_t{0}};
  };
  const auto shared = std::make_shared<Shared>();
  shared->body = &body;
  shared->count = count;
  const auto help = [shared] {
    size_t finished = 0;
    for (size_t i; (i = shared->next.fetch_add(1)) < shared->count; ++finished) (*shared->body)(i);
    if (finished == 0) return;
    *shared->done.lock() += finished;
    shared->done.notify_all();
  };
  for (size_t i = 1; i < std::min(count, threads_.size() + 1); ++i) submit(help);
  help();
  shared->done.lock().wait([&](size_t done) { return done == count; });
}

}  // namespace slipway
