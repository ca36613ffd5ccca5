#include "ops/entry_metadata.h"

#include <unistd.h>

#include <algorithm>
#include <vector>

#include "layer/xattr.h"

namespace slipway::ops {
namespace {

Result<std::vector<std::string>> own_xattrs(int fd) {
  std::vector<std::string> keys = TRY(layer::list_xattrs(fd));
  std::erase_if(keys, is_overlay_xattr);
  std::ranges::sort(keys);
  return keys;
}

}  // namespace

bool is_overlay_xattr(const std::string& key) {
  return key.starts_with("trusted.overlay.") || key.starts_with("user.overlay.");
}

Status copy_metadata(int from, int to) {
  struct stat info;
  if (::fstat(from, &info) != 0) return errno_error("stat");
  if (::fchown(to, info.st_uid, info.st_gid) != 0) return errno_error("change owner");
  if (::fchmod(to, info.st_mode & 07777) != 0) return errno_error("change mode");
  for (const std::string& key : TRY(own_xattrs(from))) {
    const Status set = layer::set_xattr(to, key, TRY(layer::get_xattr(from, key)));
    if (!set && set.error().errno_value() != EOPNOTSUPP && set.error().errno_value() != EPERM) {
      return set.error();
    }
  }
  return {};
}

Status copy_directory(int from, int to) {
  TRY(copy_metadata(from, to));
  struct stat info;
  if (::fstat(from, &info) != 0) return errno_error("stat");
  return set_times(to, info);
}

Result<bool> same_metadata(int a, int b) {
  struct stat first;
  struct stat second;
  if (::fstat(a, &first) != 0 || ::fstat(b, &second) != 0) return errno_error("stat");
  if (first.st_mode != second.st_mode || first.st_uid != second.st_uid ||
      first.st_gid != second.st_gid || first.st_mtim.tv_sec != second.st_mtim.tv_sec ||
      first.st_mtim.tv_nsec != second.st_mtim.tv_nsec) {
    return false;
  }
  if (!S_ISDIR(first.st_mode) && first.st_size != second.st_size) return false;
  const std::vector<std::string> keys = TRY(own_xattrs(a));
  if (keys != TRY(own_xattrs(b))) return false;
  for (const std::string& key : keys) {
    const std::string value = TRY(layer::get_xattr(a, key));
    if (value != TRY(layer::get_xattr(b, key))) return false;
  }
  return true;
}

Status set_times(int fd, const struct stat& info) {
  const timespec times[2] = {info.st_atim, info.st_mtim};
  return ::futimens(fd, times) == 0 ? Status() : errno_error("set times");
}

}  // namespace slipway::ops
