// The disk that a store is on: how large it is, and what is free.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/result.h"

namespace slipway::store {

struct DiskSpace {
  uint64_t total = 0;  // bytes
  uint64_t free = 0;   // to ordinary users: a part may be reserved for root
  bool full = false;   // nearly no bytes or no inodes are left
};

Result<DiskSpace> disk_space(const std::filesystem::path& path);

// What to do when the disk of the store at `root` is full.
std::string full_disk_hint(const std::filesystem::path& root);

}  // namespace slipway::store
