// prune: removes what no running build of any process uses, least recently used first.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <vector>

#include "store/store.h"
#include "store/usage.h"

namespace slipway::store {

struct PruneOptions {
  // Unpacked layers of images, and stat indexes, too. Local images keep their blobs in any case.
  bool all = false;
  // Only what was last used before this time (microseconds since the epoch).
  std::optional<int64_t> used_before;
  // Stop as soon as the store takes no more than this.
  std::optional<uint64_t> keep_bytes;
  // Only what it says yes to (--filter); null: everything.
  std::function<bool(const UsageRecord&)> filter;
  // Report what would go.
  bool dry_run = false;
};

struct PruneReport {
  std::vector<UsageRecord> removed;
  uint64_t bytes = 0;  // of the removed
};

// Cached results go with their snapshots, compressed layers with the snapshots they are of. Never
// removes what is pinned, what a snapshot stands on, or what an image name needs.
Result<PruneReport> prune(Store& store, const PruneOptions& options, std::stop_token stop);

}  // namespace slipway::store
