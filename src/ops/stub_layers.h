// StubLayers: mount points that steps need, as an overlay layer below everything else.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "base/guarded.h"
#include "base/temp_dir.h"

namespace slipway::ops {

// A mount point that is missing in an image would have to be made in the step's own layer and
// removed again, which leaves copies of its parent directories there. As the lowest layer of the
// step's file system it shows through where the image has nothing, and never becomes part of it.
class StubLayers {
 public:
  struct MountPoints {
    std::set<std::string> directories;  // "/root/.cache"
    std::set<std::string> files;        // "/etc/hosts"
    auto operator<=>(const MountPoints&) const = default;
  };

  explicit StubLayers(TempDir directory) : directory_(std::move(directory)) {}

  // A directory with these mount points and /etc/hosts, /etc/resolv.conf. Never written to again:
  // any number of overlays share it. Thread-safe.
  Result<std::filesystem::path> layer(const MountPoints& points);

 private:
  Status fill(const std::filesystem::path& layer, const MountPoints& points);

  TempDir directory_;
  Guarded<std::map<MountPoints, std::filesystem::path>> layers_;
};

}  // namespace slipway::ops
