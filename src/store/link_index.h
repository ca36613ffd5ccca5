// LinkIndex: which layers may have files in common, as hard links. Every layer is of one family or
// more; two layers can have a file in common only if they have a family in common.
#pragma once

#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "store/core.h"
#include "store/snapshotter.h"

namespace slipway::store {

// A family is named by the snapshot whose files were linked to first, which may be gone; or,
// negative, by the cache mount that steps linked files out of.
using LinkFamilies = std::set<int64_t>;

class LinkIndex {
 public:
  explicit LinkIndex(std::shared_ptr<Core> core) : core_(std::move(core)) {}

  // Of the snapshot's own layer: what was added, or else only the snapshot itself.
  Result<LinkFamilies> families(SnapshotId snapshot);
  // An active snapshot got links to files of layers with these families. Call before commit().
  Status add_families(SnapshotId snapshot, const LinkFamilies& families);
  // All that was added.
  Result<std::vector<std::pair<SnapshotId, int64_t>>> all_families();

 private:
  const std::shared_ptr<Core> core_;  // co-owned with the other parts of the store
};

}  // namespace slipway::store
