// Snapshotter: file systems as stacks of layers. A committed snapshot is immutable; its parent
// chain is the stack. An active one is the writable top of a stack while a step runs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mount.h"
#include "base/result.h"

namespace slipway::store {

// Strong type: the row of a snapshot in the metadata database. 0 is scratch, the empty file system.
struct SnapshotId {
  int64_t value = 0;
  bool is_scratch() const { return value == 0; }
  auto operator<=>(const SnapshotId&) const = default;
};

// What an overlay mount is made of. Directories hold entries in overlayfs's own form on disk:
// whiteouts as 0:0 character devices, opaque directories by xattr (trusted.overlay.opaque as root,
// user.overlay.opaque in a user namespace).
struct OverlayLayers {
  std::vector<std::filesystem::path> lower;  // topmost first; may be empty
  std::filesystem::path upper;               // empty for a read-only view
  std::filesystem::path work;
  // What links to or renames a lower entry leaves a reference to it in upper, not a copy: upper has
  // to be made whole before it is committed (ops/settle_upper). Needs a Snapshotter that
  // can_refer().
  bool refer_to_lower = false;
};

struct SnapshotInfo {
  SnapshotId id;
  SnapshotId parent;
  std::filesystem::path directory;  // the layer's own entries (overlay upper form)
  uint64_t bytes = 0;               // disk usage of the own entries, hard links counted once
  uint64_t inodes = 0;
  bool linked = false;  // some of the files had links outside of the layer when it was measured
};

// The writable top of a stack. Destroyed without commit: its directories are removed.
class ActiveSnapshot {
 public:
  virtual ~ActiveSnapshot() = default;
  virtual const OverlayLayers& layers() const = 0;
  virtual SnapshotId id() const = 0;  // also after commit()
  virtual SnapshotId parent() const = 0;
  // Makes it immutable. The overlay must be unmounted. An unchanged (empty) top is still a
  // snapshot. It stays pinned until this object is destroyed: pin() it before.
  virtual Result<SnapshotId> commit() = 0;
  // As commit(), on another parent than it was prepared on: for a top that was filled without
  // looking at what is below (an unpacked layer). Lets the layers of an image unpack in parallel.
  virtual Result<SnapshotId> commit_onto(SnapshotId parent) = 0;
};

class Snapshotter {
 public:
  virtual ~Snapshotter() = default;
  virtual Result<std::unique_ptr<ActiveSnapshot>> prepare(SnapshotId parent) = 0;
  // The stack of a committed snapshot, read-only.
  virtual Result<OverlayLayers> view(SnapshotId id) = 0;
  virtual Result<SnapshotInfo> info(SnapshotId id) = 0;
  // Own layer first, then its ancestors.
  virtual Result<std::vector<SnapshotInfo>> chain(SnapshotId id) = 0;
  // Keeps a snapshot (and its ancestors) from GC for as long as the returned object lives.
  virtual Result<std::shared_ptr<const void>> pin(SnapshotId id) = 0;
  // Mounts a stack on `target` (overlay; a bind mount when there is one read-only layer, or only an
  // upper).
  virtual Result<Mount> mount(const OverlayLayers& layers, const std::filesystem::path& target) = 0;
  // Whether `refer_to_lower` works here.
  virtual Result<bool> can_refer() = 0;
};

}  // namespace slipway::store
