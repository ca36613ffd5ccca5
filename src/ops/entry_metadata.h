// What an entry has besides its content: owner, mode, extended attributes, times.
#pragma once

#include <sys/stat.h>

#include <string>

#include "base/result.h"

namespace slipway::ops {

// Of overlayfs itself: says something about a layer, not about the entry.
bool is_overlay_xattr(const std::string& key);

// Owner, mode and extended attributes of one open entry for another, as overlayfs copies it up.
// Attributes that the target cannot have are left out. Not the times.
Status copy_metadata(int from, int to);

// A directory's metadata and times for another one.
Status copy_directory(int from, int to);

// Whether two open entries differ in nothing but access and change times (of directories: and in
// what is in them).
Result<bool> same_metadata(int a, int b);

// Access and modification time as `info` has them.
Status set_times(int fd, const struct stat& info);

}  // namespace slipway::ops
