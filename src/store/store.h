// Store: everything Slipway keeps on disk, behind one door. Several processes share one root.
//
// Durability. Nothing is fsynced when it is written. Rows about files carry the boot id of the
// machine's run ("unsafe") until barrier() has put the whole file system on disk; whoever does not
// want to wait leaves that to another process. A process may die
// at any moment and loses nothing that others could see; when the machine dies, the next open drops
// the rows that no barrier covered, with their files, and the steps run again.
//
// Sharing. What a process uses it pins (range_lock.h); the kernel frees the pins of the dead.
// prune() of any process removes only what nobody has pinned.
#pragma once

#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/temp_dir.h"
#include "store/cache_mounts.h"
#include "store/core.h"
#include "store/image_store.h"
#include "store/layer_index.h"
#include "store/link_index.h"
#include "store/local_content_store.h"
#include "store/overlay_snapshotter.h"
#include "store/piece_index.h"
#include "store/range_lock.h"
#include "store/trash.h"

namespace slipway::store {

struct StoreOptions {
  std::filesystem::path root;  // absolute; made when missing
  // In a user namespace: overlayfs attributes are "user.overlay.".
  bool rootless = false;
  // Told about damage that was found and repaired; from any thread.
  Core::DamageHandler on_damage;
};

class Store {
 public:
  // Opens or creates; cleans up after dead processes and, on the first open after the machine
  // started, after what it lost. A damaged database is set aside and everything rebuilt.
  static Result<std::unique_ptr<Store>> open(StoreOptions options);

  LocalContentStore& content() { return content_; }
  OverlaySnapshotter& snapshotter() { return snapshotter_; }
  LayerIndex& layers() { return layers_; }
  PieceIndex& pieces() { return pieces_; }
  LinkIndex& links() { return links_; }
  ImageStore& images() { return images_; }
  CacheMounts& cache_mounts() { return cache_mounts_; }
  Trash& trash() { return trash_; }
  const Layout& layout() const { return core_->layout(); }
  const std::shared_ptr<Core>& core() const { return core_; }

  // A path in this process's scratch directory, on the store's file system; nothing is there yet.
  Result<std::filesystem::path> scratch_path(std::string_view prefix);
  // A fresh directory there.
  Result<TempDir> scratch_directory(std::string_view prefix);

  // The right to do the work called `name` ("unpack sha256:…"), held against everybody else.
  Result<RangeLock> claim(std::string_view name, std::stop_token stop);

  // Puts the rows that are written on disk, but not what they speak of: cheap.
  Status sync_metadata();
  // Puts everything written so far on disk and makes it trusted, also what others wrote and left.
  // Nothing to do: costs a system call. Blocks for as long as the disk needs. When the disk
  // fails, what this would have made safe is given up.
  Status barrier();
  // What barrier() does when the disk fails: what no barrier has covered goes with the next open.
  Status distrust();
  // Instead of barrier(), at the end of a build: notes that there is something to do (Layout::
  // unsynced()), for the next barrier() of any process.
  Status leave_barrier();

 private:
  explicit Store(std::shared_ptr<Core> core);
  // How often a barrier was left to others since the last one, and when last.
  struct Notes {
    int64_t count = 0;
    int64_t last = 0;  // nanoseconds
    bool operator==(const Notes&) const = default;
  };
  Notes notes_left() const;
  Status sync_and_trust();

  const std::shared_ptr<Core> core_;  // co-owned by the parts and by pins
  LocalContentStore content_;
  OverlaySnapshotter snapshotter_;
  LayerIndex layers_;
  PieceIndex pieces_;
  LinkIndex links_;
  ImageStore images_;
  CacheMounts cache_mounts_;
  Trash trash_;
};

}  // namespace slipway::store
