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
  uint64_t inodes = 0;  // files and directories, the root included
  // Of files that have links outside of the tree as well: they stay when it is removed.
  uint64_t elsewhere_bytes = 0;
  uint64_t elsewhere_inodes = 0;
};

// Hard links inside the tree are counted once.
Result<DiskUsage> disk_usage(const std::filesystem::path& root);

// Several trees that have files in common: each file counts in the tree that is measured first.
// "Elsewhere" is counted in each.
class DiskMeter {
 public:
  Result<DiskUsage> measure(const std::filesystem::path& root);

 private:
  using Inode = std::pair<dev_t, ino_t>;
  std::set<Inode> counted_;  // of the files that have several links
};

}  // namespace slipway::store
