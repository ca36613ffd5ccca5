// ExecCaches: the cache mounts that one step holds.
#pragma once

#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "graph/op.h"
#include "ops/cache_hosts.h"
#include "store/store.h"

namespace slipway::ops {

// A cache mount of a step: what it starts from, and how it is shared.
struct ExecCache {
  const graph::CacheOpt& option;
  bool has_initial = false;
  store::SnapshotId initial;  // pinned by the caller
  std::string selector;       // the directory in it
  bool readonly = false;      // the step has no means to write to it
  // Where it can lie in the overlay of the step's root ("/root/.cache/uv"); empty: it cannot.
  std::string place;
};

class ExecCaches {
 public:
  ExecCaches(store::Store& store, CacheHosts& hosts, ThreadPool& pool, bool rootless)
      : store_(store), hosts_(hosts), pool_(pool), rootless_(rootless) {}

  // Takes all that the step mounts. No step waits while it has what another may wait for: locks are
  // taken in one order for all steps, and what can be joined only when all of them are ours. One
  // cache mounted twice is taken once, and linked from by nobody. Call once.
  Status acquire(const std::vector<ExecCache>& caches, std::stop_token stop);
  // Of the cache at this position of acquire()'s vector.
  const CacheName& name(size_t index) const { return names_.at(index); }
  // The directory, or where another step has it.
  const std::filesystem::path& path(size_t index) const;
  // The right to it; nullptr: another step's, which we joined.
  store::CacheMountLease* lease(size_t index);
  // Gives all back.
  void release();

 private:
  using Specs = std::map<CacheName, store::CacheMountSpec>;
  Result<Specs> specs_of(const std::vector<ExecCache>& caches, std::stop_token stop);
  Result<std::vector<CacheName>> take_locks(const Specs& specs, std::stop_token stop);
  Result<bool> join(const std::vector<CacheName>& names, const Specs& specs);
  Result<std::string> base_of(const ExecCache& cache, std::stop_token stop);
  Status populate(const ExecCache& cache, const std::filesystem::path& directory,
                  std::stop_token stop);

  store::Store& store_;
  CacheHosts& hosts_;
  ThreadPool& pool_;
  const bool rootless_;
  std::vector<CacheName> names_;
  std::map<CacheName, store::CacheMountLease> leases_;
  std::map<CacheName, CacheHosts::Guest> guests_;
};

}  // namespace slipway::ops
