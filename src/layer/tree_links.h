// Two directories that are one afterwards, without copying the data of files.
#pragma once

#include <filesystem>
#include <set>
#include <stop_token>
#include <string>

#include "base/result.h"

namespace slipway::layer {

// Puts the tree of `source` over what `target` has, both on one file system: where both have a
// path, that of `source` counts; directories are merged and get the attributes of `source`, but the
// newer of the two times. Directories that are missing are made, everything else is a hard link, or
// a copy where the file can have no more links.
// Paths in `left_out` ("archive-v0/x") are passed over, with all that is below. `source` is not
// changed, and no file is written to. Follows no symlink.
Status link_tree_over(const std::filesystem::path& source, const std::filesystem::path& target,
                      const std::set<std::string>& left_out, std::stop_token stop);

}  // namespace slipway::layer
