#include "layer/overlay_entry.h"

#include <fcntl.h>
#include <sys/xattr.h>

#include <cerrno>

#include "base/overlayfs.h"
#include "base/unique_fd.h"
#include "layer/xattr.h"

namespace slipway::layer {

Result<bool> OverlayEntries::is_whiteout(int directory, const std::string& name,
                                         const struct stat& info) const {
  if (slipway::is_whiteout(info)) return true;
  if (!S_ISREG(info.st_mode) || info.st_size != 0) return false;
  const UniqueFd fd = TRY(open_file_at(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  const char* key = user_xattrs_ ? "user.overlay.whiteout" : "trusted.overlay.whiteout";
  return ::fgetxattr(fd.get(), key, nullptr, 0) >= 0;
}

Result<bool> OverlayEntries::is_opaque(int directory) const {
  char value = 0;
  const ssize_t length = ::fgetxattr(directory, opaque_xattr(user_xattrs_), &value, 1);
  if (length < 0 && errno != ENODATA && errno != ENOTSUP && errno != ERANGE) {
    return errno_error("read attribute {}", opaque_xattr(user_xattrs_));
  }
  return length == 1 && value == 'y';
}

}  // namespace slipway::layer
