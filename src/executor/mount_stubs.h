// MountStubs: the empty files and directories that mount points need inside a file system.
#pragma once

#include <ctime>
#include <string>
#include <vector>

#include "base/root_dir.h"

namespace slipway::executor {

// Makes what is missing for mount points below one root, and takes it away again: nothing of it
// may end up in the image, unless it is to stay (keep()). The destructor removes what is still
// empty, in reverse order, and gives directories that nobody else touched their old modification
// time back.
class MountStubs {
 public:
  explicit MountStubs(const RootDir& root) : root_(&root) {}
  MountStubs(MountStubs&& other) noexcept
      : root_(other.root_), created_(std::exchange(other.created_, {})) {}
  ~MountStubs();

  enum class Kind { Directory, File };
  // Ensures that something is mounted-over-able at `path` (symlinks resolved inside the root,
  // missing parents made) and returns where that really is.
  Result<std::string> ensure(const std::string& path, Kind kind);
  // What has been made so far is not taken away.
  void keep() { created_.clear(); }

 private:
  struct Created {
    std::string path;
    Kind kind;
    struct timespec parent_before;  // the parent's mtime before and just after we added the entry
    struct timespec parent_after;
  };
  Status create(const std::string& path, Kind kind);
  void remove(const Created& stub) const;

  const RootDir* root_;
  std::vector<Created> created_;
};

}  // namespace slipway::executor
