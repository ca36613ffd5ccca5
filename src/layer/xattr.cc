#include "layer/xattr.h"

#include <sys/xattr.h>

#include <linux/limits.h>

#include "base/text.h"

namespace slipway::layer {

Result<std::vector<std::string>> list_xattrs(int fd) {
  char buffer[4096];
  ssize_t length = ::flistxattr(fd, buffer, sizeof buffer);
  if (length == 0 || (length < 0 && errno == ENOTSUP)) return std::vector<std::string>();
  std::string names(buffer, length > 0 ? static_cast<size_t>(length) : 0);
  if (length < 0 && errno == ERANGE) {
    names.resize(XATTR_LIST_MAX);
    length = ::flistxattr(fd, names.data(), names.size());
    if (length >= 0) names.resize(static_cast<size_t>(length));
  }
  if (length < 0) return errno_error("list extended attributes");
  std::vector<std::string> keys = split(names, '\0');
  std::erase(keys, std::string());
  return keys;
}

Result<std::string> get_xattr(int fd, const std::string& key) {
  char buffer[1024];
  ssize_t length = ::fgetxattr(fd, key.c_str(), buffer, sizeof buffer);
  if (length >= 0) return std::string(buffer, static_cast<size_t>(length));
  if (errno != ERANGE) return errno_error("read extended attribute {}", key);
  std::string value(XATTR_SIZE_MAX, '\0');
  length = ::fgetxattr(fd, key.c_str(), value.data(), value.size());
  if (length < 0) return errno_error("read extended attribute {}", key);
  value.resize(static_cast<size_t>(length));
  return value;
}

Status set_xattr(int fd, const std::string& key, std::string_view value) {
  if (::fsetxattr(fd, key.c_str(), value.data(), value.size(), 0) != 0) {
    return errno_error("set extended attribute {}", key);
  }
  return {};
}

}  // namespace slipway::layer
