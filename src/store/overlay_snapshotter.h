// OverlaySnapshotter: snapshots as directories snapshots/ID/fs stacked by overlayfs.
#pragma once

#include <memory>
#include <unordered_map>

#include "base/guarded.h"
#include "store/core.h"
#include "store/snapshotter.h"

namespace slipway::store {

class OverlaySnapshotter : public Snapshotter {
 public:
  explicit OverlaySnapshotter(std::shared_ptr<Core> core) : core_(std::move(core)) {}

  Result<std::unique_ptr<ActiveSnapshot>> prepare(SnapshotId parent) override;
  Result<OverlayLayers> view(SnapshotId id) override;
  // Measures the layer on first ask (a walk of its tree); commit() stays cheap.
  Result<SnapshotInfo> info(SnapshotId id) override;
  Result<std::vector<SnapshotInfo>> chain(SnapshotId id) override;
  Result<std::shared_ptr<const void>> pin(SnapshotId id) override;
  Result<Mount> mount(const OverlayLayers& layers, const std::filesystem::path& target) override;
  // Tried once, in the scratch directory.
  Result<bool> can_refer() override;

  // The directory of the layer's own entries.
  std::filesystem::path directory(SnapshotId id) const;
  // The ids of a stack, own layer first: chain() without measuring.
  Result<std::vector<SnapshotId>> ancestry(SnapshotId id);
  // When it was committed, microseconds since the epoch.
  Result<int64_t> created(SnapshotId id);
  // For a snapshot of files that were made elsewhere: when that was.
  Status set_created(SnapshotId id, int64_t microseconds);
  // pin(), but nullopt when the snapshot is not there (any more), its directory included.
  Result<std::optional<std::shared_ptr<const void>>> try_pin(SnapshotId id);
  // Removes the snapshot's row, what is known about it, and its directory. It must have no
  // children; the caller holds its byte (PinSet::try_claim), or it is ours and active.
  Status remove(SnapshotId id);
  // Removes active snapshots whose process is gone.
  Status remove_dead();

 private:
  class Active;
  Result<SnapshotId> parent_of(SnapshotId id);
  Result<SnapshotId> commit(SnapshotId id, SnapshotId parent);

  const std::shared_ptr<Core> core_;  // co-owned with the other parts of the store
  // Parents of committed snapshots: they never change.
  Guarded<std::unordered_map<int64_t, int64_t>> parents_;
  Guarded<std::optional<bool>> can_refer_;
};

}  // namespace slipway::store
