// FileLock: an advisory lock between processes (flock), freed by the kernel when its owner dies.
#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>

#include "base/unique_fd.h"

namespace slipway {

class FileLock {
 public:
  enum class Mode { Shared, Exclusive };

  // Waits until the lock on `path` (created if missing) is ours, or `stop` is requested
  // (Cancelled).
  static Result<FileLock> acquire(const std::filesystem::path& path, Mode mode,
                                  std::stop_token stop = {});
  // nullopt when somebody else holds it.
  static Result<std::optional<FileLock>> try_acquire(const std::filesystem::path& path, Mode mode);

 private:
  explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace slipway
