// SnapshotTree: a stack of layers as one tree, mounted read-only for as long as this lives.
#pragma once

#include <memory>
#include <stop_token>

#include "base/mount.h"
#include "base/temp_dir.h"
#include "base/thread_pool.h"
#include "source/file_tree.h"
#include "store/store.h"

namespace slipway::source {

class SnapshotTree {
 public:
  // The caller keeps the snapshot pinned. Scratch is an empty tree.
  static Result<std::unique_ptr<SnapshotTree>> open(store::Store& store, store::SnapshotId id,
                                                    ThreadPool* pool);

  FileTree& tree() { return *tree_; }

 private:
  SnapshotTree(TempDir mount_point, Mount mount, std::unique_ptr<FileTree> tree)
      : mount_point_(std::move(mount_point)), mount_(std::move(mount)), tree_(std::move(tree)) {}

  // Destroyed from the last to the first: the tree's descriptors, the mount, its directory.
  TempDir mount_point_;
  Mount mount_;
  std::unique_ptr<FileTree> tree_;
};

// BuildKit's digest of what a selection reads of a snapshot. Computed once per snapshot and
// selection, ever: snapshots do not change.
Result<Digest> snapshot_digest(store::Store& store, store::SnapshotId id,
                               const Selection& selection, ThreadPool* pool, std::stop_token stop);

}  // namespace slipway::source
