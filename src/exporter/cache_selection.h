// What of a cache mount goes into an export that has no room for all of it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <stop_token>
#include <string>

#include "base/result.h"

namespace slipway::exporter {

struct CacheSelection {
  // Of what stays: everything but directories, and the bytes of files (hard links once).
  uint64_t files = 0;
  uint64_t bytes = 0;
  // Paths that are left out with all that is below ("archive-v0/x"), and their bytes.
  std::set<std::string> left_out;
  uint64_t left_out_bytes = 0;
};

// At most `max_bytes`. What lies two levels down ("archive-v0/x", "archives/x.deb") goes or stays
// as a whole, so that no wheel or crate loses some of its files; what was used longest ago, by the
// times of access and modification of its files, is left out first, and what does not fit by
// itself.
Result<CacheSelection> select_recent(const std::filesystem::path& directory, uint64_t max_bytes,
                                     std::stop_token stop);

}  // namespace slipway::exporter
