// How overlayfs says in an upper directory what is gone.
#pragma once

#include <sys/stat.h>

namespace slipway {

// A 0:0 character device: the name is deleted.
inline bool is_whiteout(const struct stat& info) {
  return S_ISCHR(info.st_mode) && info.st_rdev == 0;
}

// The attribute that makes a directory opaque: nothing below it shows. Its value is "y".
constexpr const char* opaque_xattr(bool user_xattrs) {
  return user_xattrs ? "user.overlay.opaque" : "trusted.overlay.opaque";
}

}  // namespace slipway
