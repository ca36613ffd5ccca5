// What a directory tree takes on disk. Follows no symlink. Entries that vanish meanwhile count
// nothing.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <set>
#include <utility>

#include "base/result.h"

namespace slipway::store {

struct DiskUsage {
  uint64_t bytes = 0;   // allocated blocks
  uint64_t inodes = 0;  // entries, the root included
};

// Hard links inside the tree are counted once.
Result<DiskUsage> disk_usage(const std::filesystem::path& root);

// Of the tree, what goes when it is removed: not the files that have links outside of it.
Result<DiskUsage> removable_usage(const std::filesystem::path& root);

// Several trees that have files in common: each file counts in the tree that is measured first.
class DiskMeter {
 public:
  Result<DiskUsage> measure(const std::filesystem::path& root);

 private:
  std::set<std::pair<dev_t, ino_t>> counted_;  // of the files that have several links
};

}  // namespace slipway::store
