// ExecCaches: the cache mounts that one step holds.
#pragma once

#include <map>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/thread_pool.h"
#include "graph/op.h"
#include "store/store.h"

namespace slipway::ops {

// A cache mount of a step: what it starts from, and how it is shared.
struct ExecCache {
  const graph::CacheOpt& option;
  bool has_initial = false;
  store::SnapshotId initial;  // pinned by the caller
  std::string selector;       // the directory in it
};

class ExecCaches {
 public:
  ExecCaches(store::Store& store, ThreadPool& pool, bool rootless)
      : store_(store), pool_(pool), rootless_(rootless) {}

  // Takes all that the step mounts, in one order for all steps, so that two steps never wait for
  // each other. One cache mounted twice is taken once. Call once.
  Status acquire(const std::vector<ExecCache>& caches, std::stop_token stop);
  // The directory of the cache at this position of acquire()'s vector.
  const std::filesystem::path& path(size_t index) const;
  // Gives all back.
  void release() { leases_.clear(); }

 private:
  using Key = std::pair<std::string, std::string>;  // id, base
  Result<std::string> base_of(const ExecCache& cache, std::stop_token stop);
  Status populate(const ExecCache& cache, const std::filesystem::path& directory,
                  std::stop_token stop);

  store::Store& store_;
  ThreadPool& pool_;
  const bool rootless_;
  std::vector<Key> keys_;
  std::map<Key, store::CacheMountLease> leases_;
};

}  // namespace slipway::ops
