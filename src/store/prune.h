// prune: removes what no running build of any process uses, least recently used first.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <vector>

#include "store/space_limits.h"
#include "store/store.h"
#include "store/usage.h"

namespace slipway::store {

struct PruneOptions {
  // Unpacked layers of images, stat indexes and damaged databases, too. Local images keep their
  // blobs in any case.
  bool all = false;
  // Only what was last used before this time (microseconds since the epoch).
  std::optional<int64_t> used_before;
  // Stop as soon as these are kept to; none: everything goes.
  SpaceLimits limits;
  // Only what it says yes to (--filter); null: everything.
  std::function<bool(const UsageRecord&)> filter;
  // Report what would go.
  bool dry_run = false;
};

struct PruneReport {
  std::vector<UsageRecord> removed;
  uint64_t bytes = 0;  // of the removed
  bool enough = true;  // the limits are kept to now
};

// Cached results go with their snapshots, compressed layers with the snapshots they are of, or
// before them: one that can be made again counts as last used two days before its snapshot. Never
// removes what is pinned, what a snapshot stands on, or what an image name needs.
Result<PruneReport> prune(Store& store, const PruneOptions& options, std::stop_token stop);

}  // namespace slipway::store
