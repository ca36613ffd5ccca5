#include "base/content_copy.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <string>

#include "base/file_io.h"

namespace slipway {
namespace {

// Below this, one read and one write cost less than asking for anything cleverer.
constexpr size_t kSmallFile = 64 * 1024;

Status copy_through_memory(int from, int to) {
  std::string buffer(1 << 20, '\0');
  for (;;) {
    const ssize_t got = ::read(from, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error("read");
    if (got == 0) return {};
    TRY(write_all(to, std::string_view(buffer).substr(0, static_cast<size_t>(got))));
  }
}

Status copy_small(int from, int to) {
  std::array<char, kSmallFile + 1> buffer;
  size_t used = 0;
  while (used < buffer.size()) {
    const ssize_t got = ::read(from, buffer.data() + used, buffer.size() - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error("read");
    if (got == 0) break;
    used += static_cast<size_t>(got);
  }
  return write_all(to, std::string_view(buffer.data(), used));
}

}  // namespace

Status copy_content(int from, int to, uint64_t size) {
  if (size == 0) return {};
  if (size <= kSmallFile) return copy_small(from, to);
  if (::ioctl(to, FICLONE, from) == 0) return {};
  for (uint64_t copied = 0; copied < size;) {
    const ssize_t got = ::copy_file_range(from, nullptr, to, nullptr, size - copied, 0);
    if (got < 0 && errno == EINTR) continue;
    // Refused by this kernel or pair of file systems, or an empty answer (some FUSE and /proc-like
    // files): the offsets are where the last success left them.
    if (got <= 0) return copy_through_memory(from, to);
    copied += static_cast<uint64_t>(got);
  }
  return {};
}

}  // namespace slipway
