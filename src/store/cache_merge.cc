#include "store/cache_merge.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "base/directory_entries.h"
#include "base/overlayfs.h"
#include "base/unique_fd.h"

namespace slipway::store {
namespace {

constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
constexpr const char* kOpaque = opaque_xattr(false);

bool is_opaque(int directory) {
  char value = 0;
  return ::fgetxattr(directory, kOpaque, &value, 1) == 1 && value == 'y';
}

// Attributes are few and short: the kernel keeps them in one block.
Result<std::vector<std::string>> xattr_names(int fd) {
  std::string buffer(65536, '\0');
  const ssize_t length = ::flistxattr(fd, buffer.data(), buffer.size());
  if (length < 0) return errno_error("list extended attributes");
  std::vector<std::string> names;
  for (const char* name = buffer.data(); name < buffer.data() + length;
       name += names.back().size() + 1) {
    names.emplace_back(name);
  }
  std::erase_if(names,
                [](const std::string& name) { return name.starts_with("trusted.overlay."); });
  return names;
}

Status copy_xattrs(int from, int to) {
  const std::vector<std::string> wanted = TRY(xattr_names(from));
  const std::vector<std::string> present = TRY(xattr_names(to));
  if (wanted.empty() && present.empty()) return {};
  for (const std::string& name : present) {
    if (::fremovexattr(to, name.c_str()) != 0) return errno_error("remove attribute {}", name);
  }
  std::string value(65536, '\0');
  for (const std::string& name : wanted) {
    const ssize_t length = ::fgetxattr(from, name.c_str(), value.data(), value.size());
    if (length < 0) return errno_error("read attribute {}", name);
    if (::fsetxattr(to, name.c_str(), value.data(), static_cast<size_t>(length), 0) != 0) {
      return errno_error("set attribute {}", name);
    }
  }
  return {};
}

// `info`: of `from`, before anything was moved out of it.
Status copy_directory_attributes(int from, const struct stat& info, int to) {
  if (::fchown(to, info.st_uid, info.st_gid) != 0) return errno_error("change owner");
  TRY(copy_xattrs(from, to));
  if (::fchmod(to, info.st_mode & 07777) != 0) return errno_error("change mode");
  const timespec times[2] = {info.st_atim, info.st_mtim};
  if (::futimens(to, times) != 0) return errno_error("set times");
  return {};
}

class Merge {
 public:
  explicit Merge(const AwayPath& away) : away_(away) {}

  // Each entry goes in steps of which a repeated run skips those that are done: what is in the way
  // is gone, or the entry is.
  Status directory(int changes, int target) {
    for (const std::string& name : TRY(directory_entries(changes))) {
      TRY(entry(changes, target, name).context(name));
    }
    return {};
  }

  Status move_away(int parent, const std::string& name) {
    const std::filesystem::path path = TRY(away_());
    if (::renameat(parent, name.c_str(), AT_FDCWD, path.c_str()) != 0) {
      return errno_error("remove {}", name);
    }
    return {};
  }

 private:
  Status entry(int changes, int target, const std::string& name) {
    struct stat change;
    struct stat old;
    if (::fstatat(changes, name.c_str(), &change, AT_SYMLINK_NOFOLLOW) != 0) {
      return errno_error("stat");
    }
    const bool exists = ::fstatat(target, name.c_str(), &old, AT_SYMLINK_NOFOLLOW) == 0;
    if (!exists && errno != ENOENT) return errno_error("stat");
    if (is_whiteout(change)) {
      if (exists) TRY(move_away(target, name));
      return remove_change(changes, name, 0);
    }
    if (exists && S_ISDIR(change.st_mode) && S_ISDIR(old.st_mode)) {
      const UniqueFd from = TRY(open_file_at(changes, name, kDirectoryFlags));
      if (!is_opaque(from.get())) {
        const UniqueFd to = TRY(open_file_at(target, name, kDirectoryFlags));
        TRY(directory(from.get(), to.get()));
        TRY(copy_directory_attributes(from.get(), change, to.get()));
        return remove_change(changes, name, AT_REMOVEDIR);
      }
    }
    // rename(2) does nothing when both names are links to one file.
    if (exists && old.st_dev == change.st_dev && old.st_ino == change.st_ino) {
      return remove_change(changes, name, 0);
    }
    if (exists && (S_ISDIR(old.st_mode) || S_ISDIR(change.st_mode))) {
      TRY(move_away(target, name));
    }
    return place(changes, target, name, S_ISDIR(change.st_mode));
  }

  static Status place(int changes, int target, const std::string& name, bool is_directory) {
    if (is_directory) {
      // Before the rename: a mark in the cache would mean nothing, and stay.
      const UniqueFd fd = TRY(open_file_at(changes, name, kDirectoryFlags));
      if (::fremovexattr(fd.get(), kOpaque) != 0 && errno != ENODATA) {
        return errno_error("remove attribute");
      }
    }
    if (::renameat(changes, name.c_str(), target, name.c_str()) != 0) return errno_error("rename");
    return {};
  }

  static Status remove_change(int changes, const std::string& name, int flags) {
    return ::unlinkat(changes, name.c_str(), flags) == 0 ? Status() : errno_error("remove change");
  }

  const AwayPath& away_;
};

}  // namespace

Status merge_changes(const std::filesystem::path& changes, const std::filesystem::path& directory,
                     const AwayPath& away) {
  Merge merge(away);
  const UniqueFd from = TRY(open_file(changes, kDirectoryFlags));
  struct stat info;
  if (::fstat(from.get(), &info) != 0) return errno_error("stat {}", changes.string());
  Result<UniqueFd> to = open_file(directory, kDirectoryFlags);
  if (!to && to.error().errno_value() != ENOENT) return std::move(to).error();
  if (!to || is_opaque(from.get())) {
    if (to) TRY(merge.move_away(AT_FDCWD, directory.string()));
    if (::rename(changes.c_str(), directory.c_str()) != 0) {
      return errno_error("rename {}", changes.string());
    }
    return {};
  }
  TRY(merge.directory(from.get(), to->get()).context("merge into " + directory.string()));
  TRY(copy_directory_attributes(from.get(), info, to->get()));
  if (::rmdir(changes.c_str()) != 0) return errno_error("remove {}", changes.string());
  return {};
}

}  // namespace slipway::store
