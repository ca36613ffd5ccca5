// Mounting a stack of layers with overlayfs.
#pragma once

#include <filesystem>

#include "base/mount.h"
#include "store/snapshotter.h"

namespace slipway::store {

struct OverlayMountOptions {
  // Layer directories are below it; option strings name them relative to it, to stay short.
  std::filesystem::path base;
  // An empty directory: the lowest layer of a view that has fewer than two.
  std::filesystem::path empty_layer;
  // Attributes are "user.overlay.": needed in a user namespace.
  bool user_xattrs = false;
  // Use only mount(2) with one option string, as on kernels before 6.7; for tests.
  bool classic_only = false;
};

// With an upper directory writable (and volatile: no fsync reaches the disk), else read-only. Layer
// directories stay self-contained: no redirects, no metadata-only copies, so that an upper
// directory can be read without what is below it. Directories of lower layers thus cannot be
// renamed (EXDEV; tools copy instead), but for layers that say `refer_to_lower`. Only an upper
// directory: a bind mount.
Result<Mount> mount_overlay(const OverlayLayers& layers, const std::filesystem::path& target,
                            const OverlayMountOptions& options);

}  // namespace slipway::store
