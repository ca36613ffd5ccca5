// FileTree: a directory tree as a build sees it, read lazily and once: names, attributes and
// content digests. The one walk for COPY (what to copy) and for cache keys (what was read). Digests
// follow BuildKit's content hash, so that keys can be shared with it.
//
// Only what is asked for is read. Entries left out by the ignore patterns do not exist here.
// Thread-safe. The tree must not change while it is read: what was read once is believed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/guarded.h"
#include "base/pattern_matcher.h"
#include "base/thread_pool.h"
#include "base/unique_fd.h"
#include "oci/digest.h"
#include "store/file_digests.h"

namespace slipway::source {

// lstat(2), as the build sees it. Times in nanoseconds.
struct FileAttributes {
  uint32_t mode = 0;  // type and permissions
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint32_t links = 0;
  uint64_t size = 0;
  uint64_t device = 0;
  uint64_t inode = 0;
  uint64_t rdev = 0;
  int64_t mtime = 0;
  int64_t ctime = 0;
};

// What an op reads of a tree. Paths are slash-separated; a leading "/" is the root of the tree.
struct Selection {
  std::string path = "/";     // with a trailing "/", a directory's own attributes do not count
  bool wildcard = false;      // `path` is a pattern: * ? [...] within components, \ escapes
  bool follow_links = false;  // where `path` itself is a symlink, what it points to is read
  // Relative to `path` (or to what it matched), rules of PatternMatcher; empty: everything.
  std::vector<std::string> include_patterns;
  std::vector<std::string> exclude_patterns;
  // Prefixes (from the root: "/a/b") of which each must select something.
  std::vector<std::string> required_paths;
};

// One entry of a listing. Views into the tree: valid as long as the FileTree lives.
struct FileEntry {
  std::string path;  // as selected: "/a/b"; "" is the root
  const FileAttributes* attributes = nullptr;
  // Where it lies: symlinks of the selection's path resolved. For RootDir or *at() calls.
  std::string real_path;
};

// One entry of a directory.
struct NamedEntry {
  std::string name;
  FileAttributes attributes;
  // Of attributes and content; of a file that was hashed already, and none that might have changed
  // since in a way that stat(2) does not show.
  std::optional<store::RawDigest> digest;
};

struct FileTreeOptions {
  std::vector<std::string> ignore_patterns;  // .dockerignore; empty: nothing is ignored
  // Owner 0:0 and no extended attributes, whatever the disk says: contexts of a user.
  bool normalize_owner = false;
  store::FileDigests* digests = nullptr;  // outlives the tree; nullptr: hash every file asked for
  ThreadPool* pool = nullptr;             // outlives the tree; nullptr: the calling thread alone
};

class FileTree {
 public:
  static Result<std::unique_ptr<FileTree>> open(const std::filesystem::path& root,
                                                FileTreeOptions options);
  ~FileTree();

  // BuildKit's digest of a selection. A path without wildcards that is not there: NotFound.
  Result<Digest> digest(const Selection& selection, std::stop_token stop);

  // The selected entries, parents before children, names in byte order. A directory is listed when
  // it is selected itself or something in it is. Without include and exclude patterns and with a
  // directory selected, that is all of its tree. Wildcards: all matches, each with its tree.
  Result<std::vector<FileEntry>> list(const Selection& selection, std::stop_token stop);

  // What the selection's `path` matches, without what is below; empty: nothing.
  Result<std::vector<FileEntry>> matches(const Selection& selection);

  // What the directory at a real path ("" or "/a/b": no symlinks) holds, names in byte order.
  // NotFound when there is no such directory, or it is ignored.
  Result<std::vector<NamedEntry>> directory(std::string_view real_path);

  // Attributes of one entry, symlinks in parents (and at the end, with `follow`) resolved inside
  // the tree; nullopt: not there, or ignored.
  Result<std::optional<FileAttributes>> find(std::string_view path, bool follow);
  // Whether `path` is on disk but left out by the ignore patterns: for messages.
  bool is_ignored(std::string_view path);

  // The root directory, for openat(2).
  int root_fd() const { return root_fd_; }
  const std::filesystem::path& root() const { return root_; }

 private:
  class State;
  FileTree(std::filesystem::path root, std::unique_ptr<State> state);

  const std::filesystem::path root_;
  const int root_fd_;  // of the state's RootDir
  Guarded<std::unique_ptr<State>> state_;
};

}  // namespace slipway::source
