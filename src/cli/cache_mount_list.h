// The cache mounts of the store, as commands name and list them.
#pragma once

#include <string>
#include <vector>

#include "store/whole_caches.h"

namespace slipway::cli {

// Of several directories with one id and base (sharing=private), the one that was used last.
Result<std::vector<store::CacheMountInfo>> latest_cache_mounts(store::Store& store);

// "cache-mount:7": as `du` calls it.
std::string cache_mount_name(const store::CacheMountInfo& mount);

// Those that one of `texts` names: by id, as a Dockerfile or as `ls` has it, or as cache-mount:N.
// NotFound when a text names none.
Result<std::vector<store::CacheMountInfo>> select_cache_mounts(
    const std::vector<store::CacheMountInfo>& mounts, const std::vector<std::string>& texts);

// Table, JSON or template (listing.h), with sizes, which are measured.
Result<std::string> cache_mount_listing(store::Store& store, const std::string& format,
                                        int64_t now);

}  // namespace slipway::cli
