// Entries of an overlay's upper directory that stand for something deleted.
#pragma once

#include <sys/stat.h>

#include <string>

#include "base/result.h"

namespace slipway::layer {

class OverlayEntries {
 public:
  // Attributes are "user.overlay." instead of "trusted.overlay.".
  explicit OverlayEntries(bool user_xattrs) : user_xattrs_(user_xattrs) {}

  // A 0:0 character device or, as overlayfs also takes it, an empty file with an attribute. `info`
  // is of `name` in that directory.
  Result<bool> is_whiteout(int directory, const std::string& name, const struct stat& info) const;
  Result<bool> is_opaque(int directory) const;

 private:
  bool user_xattrs_;
};

}  // namespace slipway::layer
