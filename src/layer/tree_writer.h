// A directory tree as tar bytes, in one deterministic order.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>

#include "layer/diff.h"
#include "layer/inode_names.h"
#include "layer/layer_part.h"
#include "layer/tar_sink.h"

namespace slipway::layer {

struct TreeOptions {
  // The tree is the upper directory of an overlay: whiteouts and opaque directories become .wh.
  // files. Otherwise it is taken as it stands.
  bool overlay = true;
  bool user_xattrs = false;  // see WriteOptions
  std::optional<int64_t> clamp_mtime;
  std::optional<int64_t> fixed_mtime;  // of everything
  // Comes before every name ("" or "dir/").
  std::string prefix;
  // Only what this part of the layer holds; null: everything. The directories of a part that is not
  // the topmost have no time (0): theirs is in the topmost.
  const LayerPart* part = nullptr;
  // Times to the nanosecond instead of whole seconds.
  bool exact_times = false;
  // Headers without the data of files.
  bool headers_only = false;
  // Told of every file that is not empty; null: nobody is.
  InodeNames* inodes = nullptr;
  // What skeleton.h says of files.
  bool skeleton = false;
};

TreeOptions tree_options(const WriteOptions& options);

// Writes every entry below `directory` (not itself) to `sink`: parents before children, names in
// byte order. Times are whole seconds by default, as in BuildKit's layers: a layer and the snapshot
// that comes back from it then agree. Sockets are left out. Writes no end mark.
Status write_tree(const std::filesystem::path& directory, const TreeOptions& options, TarSink& sink,
                  std::stop_token stop);

}  // namespace slipway::layer
