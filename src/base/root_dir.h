// RootDir: the only way to touch a path inside an image or a build context. Every lookup is
// confined to the root by openat2(2) RESOLVE_IN_ROOT (Linux 5.6), so no "..", symlink or mount of a
// hostile tree leads out of it; where that call is blocked, components are walked by hand with
// O_NOFOLLOW.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <optional>
#include <string>

#include "base/unique_fd.h"

namespace slipway {

class RootDir {
 public:
  static Result<RootDir> open(const std::filesystem::path& path);
  RootDir(RootDir&&) noexcept = default;
  RootDir& operator=(RootDir&&) noexcept = default;

  int fd() const { return fd_.get(); }

  // Opens `path` as a process chrooted here would: absolute symlinks start at the root, ".." stops
  // there. With O_NOFOLLOW in `flags` a symlink in the last place is not followed.
  Result<UniqueFd> open_at(const std::string& path, int flags, unsigned mode = 0) const;
  // lstat (follow = false) or stat inside the root; nullopt when nothing is there.
  Result<std::optional<struct stat>> stat_at(const std::string& path, bool follow) const;
  Result<std::string> read_link(const std::string& path) const;
  Result<std::string> read_file(const std::string& path, size_t max_bytes = SIZE_MAX) const;

  // Opens the directory that holds the last component of `path` (following symlinks up to it), and
  // names that component: what is needed to create, rename or remove it with *at() calls.
  struct Parent {
    UniqueFd directory;
    std::string name;
  };
  Result<Parent> open_parent(const std::string& path) const;

  // Creates missing directories of `path`; existing symlinks to directories are followed inside the
  // root. New ones get `mode`, uid, gid exactly (no umask). Returns the opened last one.
  Result<UniqueFd> make_directories(const std::string& path, unsigned mode, uid_t uid,
                                    gid_t gid) const;

  // The path with all symlinks resolved inside the root ("/a/b"), for a path whose last components
  // may be missing.
  Result<std::string> canonical(const std::string& path) const;

 private:
  explicit RootDir(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace slipway
