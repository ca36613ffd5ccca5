// Copying a file system out to a directory of the user: output type=local.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "base/result.h"

namespace slipway::exporter {

struct TreeCopyOptions {
  std::optional<int64_t> mtime;  // of everything, seconds since the epoch
  bool delete_others = false;    // entries that the source lacks go
  std::function<void(std::string message)> warn;
};

// Copies everything in `from` into `to` (made when missing). Files belong to whoever runs this, as
// with docker build; modes and times are kept. What is in the way is replaced; directories merge.
// No symlink is followed on either side.
Status copy_tree_out(const std::filesystem::path& from, const std::filesystem::path& to,
                     const TreeCopyOptions& options, std::stop_token stop);

}  // namespace slipway::exporter
