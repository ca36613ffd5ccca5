// LayerUnpacker: creates the entries of a layer in a directory, in overlay upper form.
//
// Every path is opened through RootDir, so neither ".." nor a symlink that an earlier entry made
// leads out; symlinks of the same layer are followed inside it, as a chroot would.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/root_dir.h"
#include "layer/diff.h"
#include "layer/tar_reader.h"

namespace slipway::layer {

class LayerUnpacker {
 public:
  static Result<LayerUnpacker> create(const std::filesystem::path& directory,
                                      const ApplyOptions& options);

  // Creates `entry`; a file's data is read from `reader`.
  Status add(const TarEntry& entry, TarReader& reader);
  // Sets what only the end can set; returns the implied directories (see AppliedLayer).
  Result<std::vector<std::string>> finish();

 private:
  LayerUnpacker(RootDir root, ApplyOptions options) : root_(std::move(root)), options_(options) {}

  // The directory `path` ("" is the root), created when it is missing. The descriptor stays valid
  // until the next call of this function.
  Result<int> directory(const std::string& path);
  Status make_implied(const std::string& path);
  Status make_opaque(const std::string& path);

  Status special(const std::string& parent, const std::string& name);  // a .wh. file
  Status whiteout(const std::string& parent, const std::string& name);
  Status root_entry(const TarEntry& entry);
  Status create_entry(int parent, const std::string& name, const std::string& path,
                      const TarEntry& entry, TarReader& reader);
  Status create_file(int parent, const std::string& name, const TarEntry& entry, TarReader& reader);
  Status create_directory(int parent, const std::string& name, const std::string& path,
                          const TarEntry& entry);
  Status create_symlink(int parent, const std::string& name, const TarEntry& entry);
  Status create_hard_link(int parent, const std::string& name, const TarEntry& entry);
  Status create_placeholder(int parent, const std::string& name);
  Status create_node(int parent, const std::string& name, const TarEntry& entry);
  Status set_metadata(int fd, const TarEntry& entry, bool with_time);
  Result<bool> clear_place(int parent, const std::string& name, bool for_directory);

  RootDir root_;
  ApplyOptions options_;
  UniqueFd open_directory_;
  std::optional<std::string> open_path_;  // its path, while that surely leads there
  std::set<std::string> implied_;
  // Times of directories change while entries are created in them: set at the end.
  std::vector<std::pair<std::string, timespec>> directory_times_;
};

}  // namespace slipway::layer
