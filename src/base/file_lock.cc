#include "base/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <chrono>
#include <thread>

namespace slipway {

Result<std::optional<FileLock>> FileLock::try_acquire(const std::filesystem::path& path,
                                                      Mode mode) {
  UniqueFd fd = TRY(open_file(path, O_RDWR | O_CREAT, 0600));
  const int operation = (mode == Mode::Exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB;
  while (::flock(fd.get(), operation) != 0) {
    if (errno == EWOULDBLOCK) return std::optional<FileLock>();
    if (errno != EINTR) return errno_error("lock {}", path.string());
  }
  return std::optional<FileLock>(FileLock(std::move(fd)));
}

Result<FileLock> FileLock::acquire(const std::filesystem::path& path, Mode mode,
                                   std::stop_token stop) {
  // flock() has no time limit and cannot be woken by a stop_token, so this polls, at a growing
  // pace.
  auto pause = std::chrono::milliseconds(1);
  for (;;) {
    std::optional<FileLock> lock = TRY(try_acquire(path, mode));
    if (lock) return *std::move(lock);
    if (stop.stop_requested()) {
      return make_error(ErrorCode::Cancelled, "lock {}: cancelled", path.string());
    }
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, std::chrono::milliseconds(50));
  }
}

}  // namespace slipway
