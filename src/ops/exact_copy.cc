#include "ops/exact_copy.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/content_copy.h"
#include "base/directory_entries.h"
#include "base/unique_fd.h"
#include "ops/entry_metadata.h"

namespace slipway::ops {

Status copy_open_file(int from, int directory, const std::string& name) {
  UniqueFd to = TRY(open_file_at(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
  struct stat info;
  if (::fstat(from, &info) != 0) return errno_error("stat");
  TRY(copy_content(from, to.get(), static_cast<uint64_t>(info.st_size)));
  TRY(copy_metadata(from, to.get()));
  TRY(set_times(to.get(), info));
  return to.close();
}

Status copy_node(int from, const std::string& name, const struct stat& info, int to) {
  const bool is_symlink = S_ISLNK(info.st_mode);
  const int made = is_symlink ? ::symlinkat(TRY(read_link(from, name)).c_str(), to, name.c_str())
                              : ::mknodat(to, name.c_str(), info.st_mode, info.st_rdev);
  if (made != 0) return errno_error("create");
  if (::fchownat(to, name.c_str(), info.st_uid, info.st_gid, AT_SYMLINK_NOFOLLOW) != 0) {
    return errno_error("change owner");
  }
  if (!is_symlink && ::fchmodat(to, name.c_str(), info.st_mode & 07777, 0) != 0) {
    return errno_error("change mode");
  }
  const timespec times[2] = {info.st_atim, info.st_mtim};
  if (::utimensat(to, name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) {
    return errno_error("set times");
  }
  return {};
}

}  // namespace slipway::ops
