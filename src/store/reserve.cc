#include "store/reserve.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "store/disk_space.h"

namespace slipway::store {
namespace {

constexpr off_t kReserve = 256 << 10;
constexpr uint64_t kRoomToSpare = 4 << 20;

std::filesystem::path path_in(const std::filesystem::path& root) {
  return root / "reserve";
}

}  // namespace

void keep_reserve(const std::filesystem::path& root) {
  const std::filesystem::path path = path_in(root);
  if (::access(path.c_str(), F_OK) == 0) return;
  const Result<DiskSpace> disk = disk_space(root);
  if (!disk || disk->free < kRoomToSpare) return;
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file && ::posix_fallocate(file.get(), 0, kReserve) != 0) ::unlink(path.c_str());
}

void use_reserve(const std::filesystem::path& root) {
  const Result<DiskSpace> disk = disk_space(root);
  if (disk && disk->full) ::unlink(path_in(root).c_str());
}

}  // namespace slipway::store
