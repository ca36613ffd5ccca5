#include "store/space_limits.h"

#include <algorithm>

namespace slipway::store {

std::optional<uint64_t> bytes_to_keep(const SpaceLimits& limits, uint64_t used,
                                      const DiskSpace& disk) {
  if (limits == SpaceLimits{}) return std::nullopt;
  uint64_t keep = limits.max_used;
  if (limits.min_free > 0) {
    if (keep == 0) keep = used;
    const uint64_t missing = limits.min_free - std::min(limits.min_free, disk.free);
    if (missing > 0) keep = std::min(keep, used - std::min(used, missing));
  }
  return std::max(keep, limits.reserved);
}

}  // namespace slipway::store
