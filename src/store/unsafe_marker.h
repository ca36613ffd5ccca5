// A cache mount is changed in place: that it may be torn has to be known on disk before its first
// change is. Its row says so in the log of the database, which may be lost with the machine
// although changes are not; a name beside the cache, made before them, comes to disk with or before
// them: file systems with a journal keep the order of names.
#pragma once

#include <filesystem>

#include "base/result.h"

namespace slipway::store {

// In the directory that a cache mount has for itself (Layout::cache_mount()): makes the name. A
// directory that is not there yet is left alone.
Status make_unsafe_marker(const std::filesystem::path& directory);
// After a barrier.
Status remove_unsafe_marker(const std::filesystem::path& directory);
bool has_unsafe_marker(const std::filesystem::path& directory);

}  // namespace slipway::store
