// A second home for the files of a layer, without copying their data.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <functional>

#include "base/result.h"

namespace slipway::ops {

// Whether a file may have a link in the target. Asked once for each file.
using MayLink = std::function<Result<bool>(const struct stat& file)>;

// Fills the empty directory `target` with the tree of `source`: directories are made anew with
// their owner, mode, times and attributes; everything else is a hard link, or a copy where
// `may_link` or the file system says no. Both are layer directories of committed or unmounted
// snapshots of one file system, which nothing writes in place.
Status link_tree(const std::filesystem::path& source, const std::filesystem::path& target,
                 const MayLink& may_link);

}  // namespace slipway::ops
