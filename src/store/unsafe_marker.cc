#include "store/unsafe_marker.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/unique_fd.h"

namespace slipway::store {
namespace {

constexpr char kName[] = "unsafe";

}  // namespace

Status make_unsafe_marker(const std::filesystem::path& directory) {
  const Result<UniqueFd> made = open_file(directory / kName, O_WRONLY | O_CREAT | O_NOFOLLOW, 0600);
  if (made || made.error().code() == ErrorCode::NotFound) return {};
  return made.error();
}

Status remove_unsafe_marker(const std::filesystem::path& directory) {
  if (::unlink((directory / kName).c_str()) == 0 || errno == ENOENT) return {};
  return errno_error("remove {}", (directory / kName).string());
}

bool has_unsafe_marker(const std::filesystem::path& directory) {
  return ::access((directory / kName).c_str(), F_OK) == 0;
}

}  // namespace slipway::store
