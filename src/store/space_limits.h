// SpaceLimits: how much room the store may take. The rule is BuildKit's.
#pragma once

#include <cstdint>
#include <optional>

#include "store/disk_space.h"

namespace slipway::store {

// In bytes; 0: not given.
struct SpaceLimits {
  uint64_t reserved = 0;  // never goes below this
  uint64_t max_used = 0;  // no more than this
  uint64_t min_free = 0;  // so much of the disk is to be free

  bool operator==(const SpaceLimits&) const = default;
};

// How much of a store that takes `used` may stay; nullopt: no limit was given.
std::optional<uint64_t> bytes_to_keep(const SpaceLimits& limits, uint64_t used,
                                      const DiskSpace& disk);

}  // namespace slipway::store
