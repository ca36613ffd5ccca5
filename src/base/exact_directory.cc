#include "base/exact_directory.h"

#include <sys/stat.h>

namespace slipway {

Status make_directory(const std::filesystem::path& path, unsigned mode) {
  if (::mkdir(path.c_str(), mode) != 0) return errno_error("create directory {}", path.string());
  if (::chmod(path.c_str(), mode) != 0) return errno_error("change mode of {}", path.string());
  return {};
}

}  // namespace slipway
