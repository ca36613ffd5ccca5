// What the environment says about automatic garbage collection.
#pragma once

#include <string_view>

#include "base/result.h"
#include "cli/environment.h"
#include "store/space_limits.h"

namespace slipway::cli {

struct GarbageSettings {
  bool automatic = true;  // SLIPWAY_GC: on, off
  // SLIPWAY_GC_RESERVED_SPACE, _MAX_USED_SPACE, _MIN_FREE_SPACE; where none is given, BuildKit's.
  store::SpaceLimits limits;
};

// "50GB", "1000", or of the disk: "20%".
Result<uint64_t> parse_space(std::string_view text, const store::DiskSpace& disk);

Result<GarbageSettings> garbage_settings(const Environment& environment,
                                         const store::DiskSpace& disk);

}  // namespace slipway::cli
