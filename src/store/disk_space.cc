#include "store/disk_space.h"

#include <sys/statvfs.h>

#include <fmt/format.h>

namespace slipway::store {
namespace {

constexpr uint64_t kNothing = 1 << 20;  // less than what the next file takes
constexpr uint64_t kFewInodes = 16;

}  // namespace

Result<DiskSpace> disk_space(const std::filesystem::path& path) {
  struct statvfs info;
  if (::statvfs(path.c_str(), &info) != 0) return errno_error("statvfs {}", path.string());
  DiskSpace space;
  space.total = uint64_t{info.f_blocks} * info.f_frsize;
  space.free = uint64_t{info.f_bavail} * info.f_frsize;
  // A file system that makes inodes as they are needed says that it has none.
  const bool out_of_inodes = info.f_files > 0 && info.f_ffree < kFewInodes;
  space.full = space.free < kNothing || out_of_inodes;
  return space;
}

std::string full_disk_hint(const std::filesystem::path& root) {
  return fmt::format(
      "the disk of the store ({}) is full: \"slipway prune\" removes what no build uses, \"slipway "
      "prune -a\" the layers of base images too; \"slipway du\" shows what takes the room",
      root.string());
}

}  // namespace slipway::store
