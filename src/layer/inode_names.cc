#include "layer/inode_names.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <fmt/format.h>

namespace slipway::layer {

Result<std::string> inode_name(int fd) {
  struct statx info;
  constexpr unsigned kWanted = STATX_INO | STATX_SIZE | STATX_MTIME | STATX_BTIME;
  if (::statx(fd, "", AT_EMPTY_PATH, kWanted, &info) != 0) return errno_error("statx");
  if ((info.stx_mask & kWanted) != kWanted) return std::string();
  return fmt::format("{} {} {}.{:09} {}.{:09}\n", info.stx_ino, info.stx_size,
                     info.stx_btime.tv_sec, info.stx_btime.tv_nsec, info.stx_mtime.tv_sec,
                     info.stx_mtime.tv_nsec);
}

Status InodeNames::add(int fd) {
  const std::string name = TRY(inode_name(fd));
  complete_ = complete_ && !name.empty();
  hash_.update(name);
  return {};
}

Digest InodeNames::finish() {
  const Digest digest = hash_.finish();
  return complete_ ? digest : Digest();
}

}  // namespace slipway::layer
