// FileTarget: the file system that a file action changes. Reads the merged view, writes the upper
// directory, in overlayfs's form: what kernel and tools see afterwards is what they would see if
// the same calls had been made on a mounted overlay.
//
// One thread changes it. Other threads may create entries in directories that it gave out.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/root_dir.h"
#include "ops/file_tree.h"

namespace slipway::ops {

struct Owner {
  uint32_t uid = 0;
  uint32_t gid = 0;
};

class FileTarget {
 public:
  using Dir = std::shared_ptr<const MergedDir>;

  static Result<FileTarget> open(const store::OverlayLayers& layers, bool user_xattrs);

  const Tree& tree() const { return tree_; }
  const RootDir& upper() const { return upper_; }
  bool user_xattrs() const { return tree_.rules().user_xattrs; }

  // A directory of the merged view with a counterpart in upper to create entries in. `resolved`
  // must be a directory.
  Result<Dir> writable(const std::string& resolved);
  Result<Dir> writable_child(const MergedDir& parent, const std::string& name);

  // Creates directory `name` of a writable parent; nothing of that name may be in the merged view.
  Result<Dir> make_directory(const MergedDir& parent, const std::string& name, unsigned mode,
                             const std::optional<Owner>& owner);
  // Creates what is missing of `resolved`, each with `mode`, `owner` and, in the end, `time`.
  Result<Dir> make_directories(const std::string& resolved, unsigned mode,
                               const std::optional<Owner>& owner,
                               const std::optional<timespec>& time);

  // Removes `name`, and all in it, from the merged view.
  Status remove(const MergedDir& parent, const std::string& name);
  // Makes room in upper for an entry that covers whatever the lower layers have. The merged view
  // must not have a directory there.
  Status clear_place(const MergedDir& parent, const std::string& name);

  // Entries are about to be created in this directory: its time will be that of now, or what
  // set_time() says.
  void touched(const MergedDir& directory);
  void set_time(const std::string& path, timespec time);
  // Sets the times of directories; call once all entries exist.
  Status finish();

 private:
  struct DirectoryTime {
    timespec time;
    bool wanted;  // by set_time(); else what the lower layer has, unless touched
  };
  FileTarget(Tree tree, RootDir upper) : tree_(std::move(tree)), upper_(std::move(upper)) {}

  Tree tree_;
  RootDir upper_;
  std::map<std::string, DirectoryTime> times_;  // by path without leading "/"
};

// Removes an entry and all in it, following no symlink; missing is fine.
Status remove_entry(int directory_fd, const std::string& name);

}  // namespace slipway::ops
