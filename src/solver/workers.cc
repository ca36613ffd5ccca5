#include "solver/workers.h"

namespace slipway::solver {

Workers::Workers(size_t runners, size_t askers)
    : owner_([this] { run_events(); }),
      runners_(std::make_unique<ThreadPool>(runners)),
      askers_(std::make_unique<ThreadPool>(askers)) {}

Workers::~Workers() {
  // The pools first: their last work still posts events.
  askers_.reset();
  runners_.reset();
  events_.lock()->closed = true;
  events_.notify_all();
}

void Workers::post(std::function<void()> event) {
  events_.lock()->queue.push_back(std::move(event));
  events_.notify_all();
}

void Workers::run_events() {
  for (;;) {
    std::function<void()> event;
    {
      auto events = events_.lock();
      events.wait([](const Events& e) { return e.closed || !e.queue.empty(); });
      if (events->queue.empty()) return;
      event = std::move(events->queue.front());
      events->queue.pop_front();
    }
    event();
  }
}

}  // namespace slipway::solver
