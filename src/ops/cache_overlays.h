// CacheOverlays: the caches of a step that must not be written in place, or need not be: they lie
// below overlays. docs/cache-mounts.md tells how that works.
#pragma once

#include <filesystem>
#include <list>
#include <optional>
#include <string>
#include <vector>

#include "base/mount.h"
#include "ops/cache_hosts.h"
#include "ops/cache_wrapper.h"
#include "store/store.h"

namespace slipway::ops {

// Use: place() and mount_apart(), layers() for the root's mount, offer(); the step runs; close(),
// unmount the root, finish().
class CacheOverlays {
 public:
  // `directory`: ours, on the store's file system.
  CacheOverlays(store::Store& store, std::filesystem::path directory)
      : store_(store), directory_(std::move(directory)) {}

  // Gives the cache a place in the overlay of the root, so that the step can link out of it. The
  // lease is linkable() and outlives this object.
  Status place(store::CacheMountLease& lease, const CacheName& name, const Tree& image,
               const std::string& destination);
  // An overlay of its own, to be mounted wherever the step wants the cache. Once for each lease.
  Result<std::filesystem::path> mount_apart(store::CacheMountLease& lease);

  bool has_places() const { return !placed_.empty(); }
  // Go above the layers of the image, topmost first.
  std::vector<std::filesystem::path> layers() const;
  // The root is mounted at `rootfs`: others may join where they may.
  Status offer(CacheHosts& hosts, const std::filesystem::path& rootfs);

  // The step has ended. Waits for those who joined.
  void close();
  // The caches get what the step changed, and `root`, the unmounted top of a snapshot, an upper
  // directory without it. `lower`: what it was mounted on, layers() included. nullptr: it was not
  // mounted. A crash on the way leaves each cache as it was before or as it is after. Call once.
  Status finish(const store::ActiveSnapshot* root, const std::vector<std::filesystem::path>& lower);

 private:
  struct Placed {
    store::CacheMountLease& lease;
    CacheName name;
    CacheWrapper wrapper;
    std::optional<Mount> entrance;  // for those who join
    std::optional<CacheHosts::Offer> offer;
  };
  struct Apart {
    store::CacheMountLease& lease;
    store::OverlayLayers layers;
    Mount mount;
  };
  Result<std::filesystem::path> fresh_directory();
  Status finish_placed(const store::ActiveSnapshot& root,
                       const std::vector<std::filesystem::path>& lower);
  Status finish_apart(Apart& apart);

  store::Store& store_;
  const std::filesystem::path directory_;
  int next_ = 0;
  std::list<Placed> placed_;
  std::list<Apart> apart_;
};

}  // namespace slipway::ops
