// How one big layer becomes several. A part is a function of a subtree only, not of what lies
// beside it, so that builds and images which have a subtree in common have its layer in common.
#pragma once

#include <filesystem>
#include <stop_token>
#include <vector>

#include "base/result.h"
#include "layer/layer_part.h"

namespace slipway::layer {

struct SplitOptions {
  uint64_t threshold = 256 << 20;  // smaller layers stay whole
  size_t max_parts = 30;
  bool user_xattrs = false;  // see WriteOptions
  bool overlay = true;       // see WriteOptions
  // What lies directly in the directory itself may be parts too, and directories of files are
  // spread as those of directories are: for trees of which no image is made.
  bool spread_everything = false;
  uint64_t max_buckets = 16;
  // The sizes that decide what a part is (docs/layers.md): changing one changes digests.
  uint64_t smallest_part = 16 << 20;
  uint64_t whole_directory = 64 << 20;
  uint64_t whole_package = 256 << 20;
  uint64_t bucket_bytes = 32 << 20;
};

// The parts of the layer in `directory`, in the order in which they are stacked; none when it is
// better left whole. Reads directories and inodes, no files.
Result<std::vector<LayerPart>> plan_split(const std::filesystem::path& directory,
                                          const SplitOptions& options, std::stop_token stop);

}  // namespace slipway::layer
