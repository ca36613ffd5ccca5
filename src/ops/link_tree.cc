#include "ops/link_tree.h"

#include <fcntl.h>
#include <unistd.h>

#include <map>
#include <string>
#include <utility>

#include "base/content_copy.h"
#include "base/directory_entries.h"
#include "base/overlayfs.h"
#include "base/unique_fd.h"
#include "layer/xattr.h"
#include "ops/exact_copy.h"

namespace slipway::ops {
namespace {

// Everything that an open file or directory has besides its content.
Status copy_metadata(int source, int target) {
  struct stat info;
  if (::fstat(source, &info) != 0) return errno_error("stat");
  if (::fchown(target, info.st_uid, info.st_gid) != 0) return errno_error("change owner");
  if (::fchmod(target, info.st_mode & 07777) != 0) return errno_error("change mode");
  for (const std::string& key : TRY(layer::list_xattrs(source))) {
    TRY(layer::set_xattr(target, key, TRY(layer::get_xattr(source, key))));
  }
  const timespec times[2] = {info.st_atim, info.st_mtim};
  if (::futimens(target, times) != 0) return errno_error("set times");
  return {};
}

class TreeLinker {
 public:
  TreeLinker(int target_root, const MayLink& may_link)
      : target_root_(target_root), may_link_(may_link) {}

  // `path`: of the directory below the target's root, with a trailing "/"; "" is the root.
  Status entries(int source, int target, const std::string& path) {
    for (const std::string& name : TRY(directory_entries(source))) {
      struct stat info;
      if (::fstatat(source, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno_error("stat {}", name);
      }
      if (S_ISDIR(info.st_mode)) {
        TRY(directory(source, target, name, path).context(name));
      } else {
        TRY(file(source, target, name, path, info).context(name));
      }
    }
    return {};
  }

 private:
  Status directory(int source, int target, const std::string& name, const std::string& path) {
    if (::mkdirat(target, name.c_str(), 0700) != 0) return errno_error("create directory");
    constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
    const UniqueFd from = TRY(open_file_at(source, name, kFlags));
    const UniqueFd to = TRY(open_file_at(target, name, kFlags));
    TRY(entries(from.get(), to.get(), path + name + "/"));
    // Last: filling a directory changes its time.
    return copy_metadata(from.get(), to.get());
  }

  Status file(int source, int target, const std::string& name, const std::string& path,
              const struct stat& info) {
    // Several names of one file in the source are so in the target.
    const auto [first, is_first] =
        first_names_.try_emplace({info.st_dev, info.st_ino}, path + name);
    if (!is_first) {
      if (::linkat(target_root_, first->second.c_str(), target, name.c_str(), 0) == 0) return {};
      // overlayfs makes one file of many whiteouts; each can stand alone. A file that can have no
      // more links (ext4: 65,000) becomes two.
      if (errno != EMLINK && !is_whiteout(info)) return errno_error("link to {}", first->second);
      first->second = path + name;
    }
    // Nobody sees a whiteout, so nobody sees that two are one file.
    const bool allowed = is_whiteout(info) || (is_first && TRY(may_link_(info)));
    if (allowed && ::linkat(source, name.c_str(), target, name.c_str(), 0) == 0) return {};
    if (S_ISREG(info.st_mode)) return copy_regular(source, target, name, info);
    return copy_node(source, name, info, target);
  }

  static Status copy_regular(int source, int target, const std::string& name,
                             const struct stat& info) {
    const UniqueFd from = TRY(open_file_at(source, name, O_RDONLY | O_NOFOLLOW));
    UniqueFd to = TRY(open_file_at(target, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
    TRY(copy_content(from.get(), to.get(), static_cast<uint64_t>(info.st_size)));
    TRY(copy_metadata(from.get(), to.get()));
    return to.close();
  }

  const int target_root_;
  const MayLink& may_link_;
  std::map<std::pair<dev_t, ino_t>, std::string> first_names_;  // in the target
};

}  // namespace

Status link_tree(const std::filesystem::path& source, const std::filesystem::path& target,
                 const MayLink& may_link) {
  const UniqueFd from = TRY(open_file(source, O_RDONLY | O_DIRECTORY));
  const UniqueFd to = TRY(open_file(target, O_RDONLY | O_DIRECTORY));
  TRY(TreeLinker(to.get(), may_link)
          .entries(from.get(), to.get(), "")
          .context("link layer " + source.string()));
  return copy_metadata(from.get(), to.get());
}

}  // namespace slipway::ops
