#include "exporter/early_layers.h"

#include <algorithm>

namespace slipway::exporter {

EarlyLayers::~EarlyLayers() {
  stop();
  std::jthread thread = std::move(*thread_.lock());  // joined here, without the lock
}

void EarlyLayers::stop() {
  stop_.request_stop();
  wishes_.lock()->clear();
}

void EarlyLayers::want(store::SnapshotId top, std::shared_ptr<const void> pin,
                       const LayerChoice& choice) {
  if (stop_.stop_requested() || top.is_scratch()) return;
  wishes_.lock()->push_back({top, std::move(pin), choice});
  wishes_.notify_all();
  auto thread = thread_.lock();
  if (!thread->joinable()) *thread = std::jthread([this] { run(); });
}

void EarlyLayers::run() {
  set_thread_priority(ThreadPriority::Background);
  // All CPUs: when nothing but this is left to do, the export waits for it.
  ThreadPool pool(std::max(1u, std::thread::hardware_concurrency()), ThreadPriority::Background);
  const std::stop_token stop = stop_.get_token();
  for (;;) {
    Wish wish;
    {
      auto wishes = wishes_.lock();
      if (!wishes.wait(stop, [](const auto& all) { return !all.empty(); })) return;
      wish = std::move(wishes->front());
      wishes->pop_front();
    }
    (void)make(wish, pool).has_value();
  }
}

Status EarlyLayers::make(const Wish& wish, ThreadPool& pool) {
  std::vector<store::SnapshotId> ids = TRY(store_.snapshotter().ancestry(wish.top));
  for (auto id = ids.rbegin(); id != ids.rend(); ++id) {
    TRY(ensure_layer_blobs(store_, *id, wish.choice, pool, stop_.get_token()));
  }
  return {};
}

}  // namespace slipway::exporter
