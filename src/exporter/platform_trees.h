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

struct TreesOptions {
  std::optional<bool> split;       // a folder for each platform; nullopt: as the result says
  std::string attestation_prefix;  // what the names of attestations begin with
};

// The result with what is said about its files asked for, so that trees can be mounted when the
// step that asks is over.
Result<BuildResult> with_attestations_made(BuildResult result);

// In the order of the platforms, with the attestations among the files. Without folders no two
// platforms may have files of one name: InvalidInput. The result's pins must live as long.
Result<std::vector<PlatformTree>> mount_trees(const BuildResult& result,
                                              const TreesOptions& options,
                                              const ExportContext& context);

}  // namespace slipway::exporter
