#include "store/layout.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/file_io.h"

namespace slipway::store {

Status Layout::create() const {
  // tmp is made last: when it is there, everything is.
  if (::access(tmp().c_str(), W_OK) == 0) return {};
  TRY(make_directories(root_, 0755));
  if (::chmod(root_.c_str(), 0700) != 0) return errno_error("make {} private", root_.string());
  for (const std::filesystem::path& path :
       {blobs(), blobs() / "sha256", snapshots(), empty_layer(), cache_mounts(), contexts(),
        history(), locks(), tmp()}) {
    if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) {
      return errno_error("create directory {}", path.string());
    }
  }
  return {};
}

}  // namespace slipway::store
