// CacheMountSource: where the directories of RUN --mount=type=cache come from.
#pragma once

#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "graph/op.h"
#include "store/snapshotter.h"

namespace slipway::ops {

// A cache directory in use; gives it back when destroyed.
class CacheMountLease {
 public:
  virtual ~CacheMountLease() = default;
  virtual std::filesystem::path path() const = 0;
};

// Thread-safe.
class CacheMountSource {
 public:
  virtual ~CacheMountSource() = default;
  // The directory called `id`, made from a copy of snapshot `initial` (scratch: empty, root's, mode
  // 0755) when it is new; other initial content means another directory. Shared: at once with
  // others; Locked: waits for them; Private: one that nobody uses.
  virtual Result<std::unique_ptr<CacheMountLease>> acquire(const std::string& id,
                                                           graph::CacheSharing sharing,
                                                           store::SnapshotId initial,
                                                           std::stop_token stop) = 0;
};

}  // namespace slipway::ops
