// After a step on an overlay with references (OverlayLayers::refer_to_lower): its upper directory
// made such that it can be read without what is below it, as every layer.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <functional>
#include <vector>

#include "ops/lower_view.h"
#include "store/cache_mounts.h"

namespace slipway::ops {

struct SettleRules {
  // A directory on the same file system that takes what is to be removed: freeing an inode with a
  // long reference can take milliseconds (a discard of its attribute block, on ext4 without
  // journal).
  std::filesystem::path trash;
  // Called before the first file of a cache is linked to another tree.
  std::function<Status(size_t cache)> expect_links;
  // Whether this file of a cache may be linked to outside of it (once: else it is copied).
  std::function<Result<bool>(size_t cache, const struct stat& file)> may_link;
};

// What the step linked or moved gets its content: a file out of a cache becomes a hard link to it
// where nothing but its name differs, everything else a copy; moved directories get all their
// entries. The overlay is unmounted. In the places of `caches` nothing is left that only repeats
// what the cache has, and no attribute of overlayfs but the marks of opaque directories.
//
// Returns what was seen, one outcome for each cache.
Result<std::vector<store::CacheMountOutcome>> settle_upper(
    const std::filesystem::path& upper, const std::vector<std::filesystem::path>& lower,
    const std::vector<CachePlace>& caches, const SettleRules& rules);

}  // namespace slipway::ops
