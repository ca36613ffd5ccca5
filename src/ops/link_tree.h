// A second home for the files of a layer, without copying their data.
#pragma once

#include <filesystem>

#include "base/result.h"

namespace slipway::ops {

// Fills the empty directory `target` with the tree of `source`: directories are made anew with
// their owner, mode, times and attributes; everything else is a hard link. Both are layer
// directories of committed or unmounted snapshots of one file system, which nothing writes in
// place.
Status link_tree(const std::filesystem::path& source, const std::filesystem::path& target);

}  // namespace slipway::ops
