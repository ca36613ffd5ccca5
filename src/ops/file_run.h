// Running a file operation: its actions on real snapshots and contexts.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "base/thread_pool.h"
#include "graph/op.h"
#include "store/store.h"

namespace slipway::source {
class FileTree;
}

namespace slipway::ops {

class CopyLinks;
struct SkeletonStack;

// What a vertex's input is. Whoever calls keeps snapshots pinned.
struct FileInput {
  store::SnapshotId snapshot;
  // Instead of the snapshot, when set. Co-owned with the table of contexts.
  std::shared_ptr<source::FileTree> context;
  // The same, for an input that is only built on. Co-owned with whoever made it.
  std::shared_ptr<const SkeletonStack> skeleton;
};

struct FileOutput {
  store::SnapshotId snapshot;       // on scratch where it stands on a skeleton
  std::shared_ptr<const void> pin;  // keeps it from being pruned; co-owned with the result
};

struct FileRunOptions {
  store::Store& store;
  ThreadPool& pool;
  bool user_xattrs = false;  // the store is rootless
  // Files of contexts are linked to those of an earlier run where they are the same; nullptr: all
  // of them are copied. Files of snapshots are linked to in any case. Only for operations that
  // copies_only().
  CopyLinks* links = nullptr;
};

// Whether the operation makes one snapshot, by plain copies alone.
bool copies_only(const graph::FileOp& op);

// One snapshot for each output, in their order. Actions that only continue one another share one
// snapshot.
Result<std::vector<FileOutput>> run_file_op(const graph::FileOp& op,
                                            const std::vector<FileInput>& inputs,
                                            const FileRunOptions& options, std::stop_token stop);

}  // namespace slipway::ops
