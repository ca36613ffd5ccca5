#include "base/mount.h"

#include <sys/mount.h>

namespace slipway {

Result<Mount> Mount::create(const std::string& source, const std::filesystem::path& target,
                            const std::string& type, unsigned long flags,
                            const std::string& options) {
  if (::mount(source.c_str(), target.c_str(), type.empty() ? nullptr : type.c_str(), flags,
              options.empty() ? nullptr : options.c_str()) != 0) {
    return errno_error("mount {} on {}", type.empty() ? source : type, target.string());
  }
  return Mount(target);
}

Mount& Mount::operator=(Mount&& other) noexcept {
  std::swap(target_, other.target_);
  return *this;
}

Mount::~Mount() {
  (void)unmount().has_value();
}

Status Mount::unmount() {
  const std::filesystem::path target = std::exchange(target_, {});
  if (target.empty()) return {};
  if (::umount2(target.c_str(), UMOUNT_NOFOLLOW) == 0) return {};
  if (errno == EBUSY && ::umount2(target.c_str(), UMOUNT_NOFOLLOW | MNT_DETACH) == 0) return {};
  return errno_error("unmount {}", target.string());
}

}  // namespace slipway
