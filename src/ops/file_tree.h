// MergedDir and Tree: a file system of stacked layers, read without mounting it. They follow
// overlayfs's rules (whiteouts, opaque directories, a file hides what is below), so a file action
// can look at its inputs and write straight into the upper directory of its result.
//
// Nothing here follows a symlink by accident: every open is of one name, relative to a descriptor,
// with O_NOFOLLOW. Symlinks are resolved by resolve(), inside the tree.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "store/file_digests.h"
#include "store/snapshotter.h"

namespace slipway::ops {

// What tells a file from a changed one. Times in nanoseconds since the epoch.
struct FileStamp {
  uint64_t inode = 0;
  uint64_t size = 0;
  int64_t mtime = 0;
  int64_t ctime = 0;

  static FileStamp of(const struct stat& info);
  bool operator==(const FileStamp&) const = default;
};

// An entry as a build context read it.
struct KnownEntry {
  std::string name;
  struct stat info;
  std::optional<store::RawDigest> digest;  // of mode, owner and content, where it is known
};

struct TreeRules {
  bool overlay = true;       // whiteouts and opaque directories mean something
  bool user_xattrs = false;  // "user.overlay." instead of "trusted.overlay."
  // What a build context knows of the directory "" or "a/b", names in byte order: this is what
  // there is, not what the disk shows now. Empty: the disk counts.
  std::function<Result<std::vector<KnownEntry>>(const std::string& path)> listing;
  // The snapshots that the layers are the own entries of, topmost first. Empty: they are none, or
  // nothing may be linked to their files.
  std::vector<store::SnapshotId> snapshots;
  // Everything belongs to root and has no extended attributes: files of a build context.
  bool plain_owner = false;
};

// One directory of a tree. Immutable, thread-safe; holds one descriptor for each layer that has it.
class MergedDir {
 public:
  struct Entry {
    struct stat info;
    bool in_upper = false;
    size_t layer = 0;                        // of the stack, topmost first
    int directory = -1;                      // ours in that layer; open as long as we are
    std::optional<FileStamp> known;          // of a context: what it may not differ from
    std::optional<store::RawDigest> digest;  // see KnownEntry
  };

  // lstat of `name`; nullopt when the tree has no such entry.
  Result<std::optional<Entry>> find(const std::string& name) const;
  // Sorted by byte order.
  Result<std::vector<std::string>> names() const;
  // `name` is a directory of the tree.
  Result<std::shared_ptr<const MergedDir>> child(const std::string& name) const;
  Result<UniqueFd> open_file(const std::string& name) const;
  Result<std::string> read_link(const std::string& name) const;
  // Makes `target_name` in the directory `target_fd` another name of entry `name`.
  Status link(const std::string& name, int target_fd, const std::string& target_name) const;

  // The directory in the topmost layer that has it: where its owner, mode, times and attributes
  // come from.
  // -1 for the root of the empty file system.
  int descriptor() const { return layers_.empty() ? -1 : layers_.front().get(); }
  // Whether a layer below the writable one has `name` (and shows it).
  Result<bool> lower_has(const std::string& name) const;
  // Whether descriptor() is in the writable layer.
  bool has_upper() const { return has_upper_; }
  // Whether a lower layer has the directory too, so that names may be there without being in upper.
  bool has_lower() const { return layers_.size() > (has_upper_ ? 1 : 0); }
  const TreeRules& rules() const { return rules_; }
  // "" for the root, "a/b" below it.
  const std::string& path() const { return path_; }

 private:
  friend class Tree;
  MergedDir(const TreeRules& rules, std::string path) : rules_(rules), path_(std::move(path)) {}
  Status read_listing();
  Result<std::optional<Entry>> find_known(const std::string& name) const;
  Result<std::optional<size_t>> layer_of(const std::string& name, struct stat& info,
                                         size_t first = 0) const;
  Result<bool> is_opaque(int fd) const;
  std::string path_of(const std::string& name) const {
    return path_.empty() ? name : path_ + "/" + name;
  }

  const TreeRules& rules_;  // the Tree's
  std::string path_;
  std::vector<UniqueFd> layers_;  // topmost first
  std::vector<size_t> depths_;    // of each of layers_, in the stack
  std::vector<KnownEntry> listing_;
  bool has_upper_ = false;
};

class Tree {
 public:
  // No layers at all: the empty file system.
  static Result<Tree> open(const store::OverlayLayers& layers, TreeRules rules);
  // One directory as it stands.
  static Result<Tree> open_directory(const std::filesystem::path& path, TreeRules rules);

  const std::shared_ptr<const MergedDir>& root() const { return root_; }
  const TreeRules& rules() const { return *rules_; }

  // `path` with symlinks resolved inside the tree, as a chroot would: "/a/b". Components that are
  // not there, and all after them, stay as they are. The last one is resolved only if asked.
  Result<std::string> resolve(const std::string& path, bool follow_last) const;
  // The same in the directory `base` (a result of resolve()), as a chroot there would.
  Result<std::string> resolve_below(const std::string& base, const std::string& path,
                                    bool follow_last) const;
  // lstat; the parents of `path` are directories, not symlinks (a result of resolve()).
  Result<std::optional<struct stat>> stat(const std::string& resolved) const;
  // nullptr when it is not there or no directory.
  Result<std::shared_ptr<const MergedDir>> directory(const std::string& resolved) const;
  // Follows symlinks; nullopt when it is not there or no plain file.
  Result<std::optional<std::string>> read_file(const std::string& path, size_t max_bytes) const;

 private:
  std::unique_ptr<TreeRules> rules_;
  std::shared_ptr<const MergedDir> root_;  // co-owned by users of the directory
};

// "/a/b" -> "/a", "b". The root has the name "".
struct PathParts {
  std::string parent;
  std::string name;
};
PathParts split_last(const std::string& path);
std::string join_path(const std::string& directory, const std::string& name);

}  // namespace slipway::ops
