// The file systems that a build made, mounted, each with its place in an output of files.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "exporter/exporter.h"
#include "exporter/mounted_result.h"

namespace slipway::exporter {

struct PlatformTree {
  MountedResult mounted;
  std::string folder;  // "linux_arm64"; empty: the output's top
};

// In the order of the platforms. `split`: a folder for each; nullopt: as the result says. Without
// folders no two platforms may have files of one name: InvalidInput. The result's pins must live as
// long.
Result<std::vector<PlatformTree>> mount_trees(const BuildResult& result, std::optional<bool> split,
                                              store::Store& store);

}  // namespace slipway::exporter
