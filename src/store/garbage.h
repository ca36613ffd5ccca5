// Garbage collection: prune by standing rules, BuildKit's with differences that docs/store.md
// explains. Rules are applied in order; each removes what it names until its limits are kept to.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <vector>

#include "store/prune.h"
#include "store/space_limits.h"
#include "store/store.h"

namespace slipway::store {

struct GarbageRule {
  // Only what is made again most easily: content that nothing refers to, and layer blobs that their
  // snapshots can make again.
  bool only_easily_made = false;
  bool all = false;                   // as PruneOptions::all
  std::optional<int64_t> unused_for;  // microseconds
  SpaceLimits limits;
};

// BuildKit's limits: 10 % of the disk but at most 10 GB are reserved; at most 80 % but not more
// than 100 GB are used; 20 % stay free.
SpaceLimits default_limits(const DiskSpace& disk);

std::vector<GarbageRule> garbage_rules(const SpaceLimits& limits);

// Removes by the rules what no process uses. At any time, beside running builds. `now`:
// microseconds since the epoch. A dry run only tells.
Result<PruneReport> collect_garbage(Store& store, const std::vector<GarbageRule>& rules,
                                    int64_t now, bool dry_run, std::stop_token stop);

}  // namespace slipway::store
