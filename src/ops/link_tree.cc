#include "ops/link_tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "layer/directory_entries.h"
#include "layer/xattr.h"

namespace slipway::ops {
namespace {

Status copy_directory_metadata(int source, int target) {
  struct stat info;
  if (::fstat(source, &info) != 0) return errno_error("stat directory");
  if (::fchown(target, info.st_uid, info.st_gid) != 0) return errno_error("change owner");
  if (::fchmod(target, info.st_mode & 07777) != 0) return errno_error("change mode");
  for (const std::string& key : TRY(layer::list_xattrs(source))) {
    TRY(layer::set_xattr(target, key, TRY(layer::get_xattr(source, key))));
  }
  const timespec times[2] = {info.st_atim, info.st_mtim};
  if (::futimens(target, times) != 0) return errno_error("set times");
  return {};
}

Status link_entries(int source, int target) {
  for (const std::string& name : TRY(layer::directory_entries(source))) {
    struct stat info;
    if (::fstatat(source, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      return errno_error("stat {}", name);
    }
    if (!S_ISDIR(info.st_mode)) {
      if (::linkat(source, name.c_str(), target, name.c_str(), 0) != 0) {
        return errno_error("link {}", name);
      }
      continue;
    }
    if (::mkdirat(target, name.c_str(), 0700) != 0) return errno_error("create directory {}", name);
    constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
    const UniqueFd from = TRY(open_file_at(source, name, kFlags));
    const UniqueFd to = TRY(open_file_at(target, name, kFlags));
    TRY(link_entries(from.get(), to.get()));
    // Last: filling a directory changes its time.
    TRY(copy_directory_metadata(from.get(), to.get()).context(name));
  }
  return {};
}

}  // namespace

Status link_tree(const std::filesystem::path& source, const std::filesystem::path& target) {
  const UniqueFd from = TRY(open_file(source, O_RDONLY | O_DIRECTORY));
  const UniqueFd to = TRY(open_file(target, O_RDONLY | O_DIRECTORY));
  TRY(link_entries(from.get(), to.get()).context("link layer " + source.string()));
  return copy_directory_metadata(from.get(), to.get());
}

}  // namespace slipway::ops
