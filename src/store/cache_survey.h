// Whether the content of a cache means the same below an overlay as in a mount of its own.
#pragma once

#include <cstddef>
#include <filesystem>

#include "base/result.h"

namespace slipway::store {

struct CacheSurvey {
  // Nothing in it that overlayfs would take for its own (0:0 devices, attributes), no other
  // devices, no file with two names: as a lower file it would lose its other name when written.
  bool fits_overlay = true;
  size_t longest_path = 0;  // bytes, relative to the directory
};

// A walk over `directory`; ends early when it does not fit.
Result<CacheSurvey> survey_cache(const std::filesystem::path& directory);

}  // namespace slipway::store
