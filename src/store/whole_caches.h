// Cache mounts as wholes, for those who list, export and import them.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "store/store.h"

namespace slipway::store {

// What is known of a cache directory.
struct CacheMountInfo {
  int64_t number = 0;  // "cache-mount:7" of du
  std::string id;
  std::string base;
  int64_t created = 0;  // microseconds since the epoch
  int64_t last_used = 0;
  int64_t uses = 0;
};

// The id as Dockerfiles have it: without the "/" that separates it from a namespace
// (BUILDKIT_CACHE_MOUNT_NS) where it is in none.
std::string shown_id(const std::string& id);

// All that have a directory, by id, base and number.
Result<std::vector<CacheMountInfo>> list_cache_mounts(Store& store);

// Keeps every step of every process from using a cache, to look at it as it is. Waits for those
// that use it now, at most for `patience`; nullopt when they still do then.
Result<std::optional<RangeLock>> hold_cache_mount(Store& store, int64_t number,
                                                  std::chrono::milliseconds patience,
                                                  std::stop_token stop);

// Where a cache of that id and base has something in it already.
enum class ExistingCache { Keep, Merge, Replace };
// Completes the contents by what `existing` has; must write to no file.
using MergeCache = std::function<Status(const std::filesystem::path& existing)>;

// Makes `contents`, a directory below a scratch path of this store, the cache of that key. One that
// is there already stays, or is replaced, or is merged before it is replaced. Waits for the steps
// that use it. A kill leaves the old or the new cache, nothing in between. False: one is there and
// was kept.
Result<bool> adopt_cache_mount(Store& store, const std::string& id, const std::string& base,
                               const std::filesystem::path& contents, ExistingCache existing,
                               const MergeCache& merge, std::stop_token stop);

}  // namespace slipway::store
