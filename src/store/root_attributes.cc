#include "store/root_attributes.h"

#include <sys/stat.h>
#include <unistd.h>

namespace slipway::store {

Status copy_root_attributes(const std::filesystem::path& from, const std::filesystem::path& to) {
  struct stat info;
  if (::stat(from.c_str(), &info) != 0) return errno_error("stat {}", from.string());
  if ((info.st_uid != ::geteuid() || info.st_gid != ::getegid()) &&
      ::chown(to.c_str(), info.st_uid, info.st_gid) != 0) {
    return errno_error("change owner of {}", to.string());
  }
  if (::chmod(to.c_str(), info.st_mode & 07777) != 0) {
    return errno_error("change mode of {}", to.string());
  }
  return {};
}

}  // namespace slipway::store
