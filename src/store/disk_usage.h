// What a directory tree takes on disk.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/result.h"

namespace slipway::store {

struct DiskUsage {
  uint64_t bytes = 0;   // allocated blocks; hard links inside the tree counted once
  uint64_t inodes = 0;  // entries, the root included
};

// Follows no symlink. Entries that vanish meanwhile count nothing.
Result<DiskUsage> disk_usage(const std::filesystem::path& root);

}  // namespace slipway::store
