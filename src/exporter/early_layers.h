// EarlyLayers: makes the layer blobs of steps that have ended while later steps run, so that an
// export finds them, and reads what a step wrote while it is still in the page cache.
//
// One snapshot at a time, on threads of low priority: a step that can use all of the machine keeps
// nine tenths of it. What fails here is silent; the export meets the same error and tells it.
#pragma once

#include <deque>
#include <memory>
#include <stop_token>
#include <thread>

#include "base/guarded.h"
#include "exporter/layer_blobs.h"
#include "store/store.h"

namespace slipway::exporter {

class EarlyLayers {
 public:
  // Needs no thread before something is wanted. `store` outlives it.
  explicit EarlyLayers(store::Store& store) : store_(store) {}
  // stop(), then waits for the thread.
  ~EarlyLayers();

  // Queues the layers of the stack below and including `top`, bottom up; `pin` keeps it until then.
  // Never blocks. Thread-safe.
  void want(store::SnapshotId top, std::shared_ptr<const void> pin, const LayerChoice& choice);
  // Drops what is queued and gives up what is under way; nothing is wanted any more.
  void stop();

 private:
  struct Wish {
    store::SnapshotId top;
    std::shared_ptr<const void> pin;  // co-owned with the solver's results
    LayerChoice choice;
  };
  void run();
  Status make(const Wish& wish, ThreadPool& pool);

  store::Store& store_;
  std::stop_source stop_;
  Guarded<std::deque<Wish>> wishes_;
  Guarded<std::jthread> thread_;
};

}  // namespace slipway::exporter
