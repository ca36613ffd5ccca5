#include "base/directory_entries.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <string_view>

namespace slipway {

Result<std::vector<std::string>> directory_entries(int directory_fd) {
  std::vector<std::string> names;
  alignas(dirent64) char buffer[32768];
  if (::lseek(directory_fd, 0, SEEK_SET) != 0) return errno_error("rewind directory");
  for (;;) {
    const ssize_t got = ::getdents64(directory_fd, buffer, sizeof buffer);
    if (got < 0) return errno_error("list directory");
    if (got == 0) break;
    for (ssize_t offset = 0; offset < got;) {
      const auto* entry = reinterpret_cast<const dirent64*>(buffer + offset);
      offset += entry->d_reclen;
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
  }
  std::ranges::sort(names);
  return names;
}

Result<std::string> read_link(int directory_fd, const std::string& name) {
  char target[PATH_MAX];
  const ssize_t length = ::readlinkat(directory_fd, name.c_str(), target, sizeof target);
  if (length < 0) return errno_error("read link {}", name);
  return std::string(target, static_cast<size_t>(length));
}

}  // namespace slipway
