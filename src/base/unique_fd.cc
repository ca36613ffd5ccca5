#include "base/unique_fd.h"

#include <fcntl.h>
#include <unistd.h>

namespace slipway {

void UniqueFd::reset() {
  // Linux frees the descriptor whatever close() returns, so there is nothing to retry.
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Status UniqueFd::close() {
  const int fd = std::exchange(fd_, -1);
  if (fd >= 0 && ::close(fd) != 0 && errno != EINTR) return errno_error("close");
  return {};
}

Result<UniqueFd> UniqueFd::duplicate() const {
  UniqueFd copy(::fcntl(fd_, F_DUPFD_CLOEXEC, 3));
  if (!copy) return errno_error("duplicate file descriptor");
  return copy;
}

Result<UniqueFd> open_file(const std::string& path, int flags, unsigned mode) {
  return open_file_at(AT_FDCWD, path, flags, mode);
}

Result<UniqueFd> open_file_at(int directory_fd, const std::string& path, int flags, unsigned mode) {
  UniqueFd fd(::openat(directory_fd, path.c_str(), flags | O_CLOEXEC, mode));
  if (!fd) return errno_error("open {}", path);
  return fd;
}

Result<Pipe> make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return errno_error("create pipe");
  return Pipe{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

}  // namespace slipway
