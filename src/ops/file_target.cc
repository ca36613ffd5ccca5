#include "ops/file_target.h"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/check.h"
#include "base/directory_entries.h"
#include "base/overlayfs.h"
#include "base/text.h"
#include "layer/xattr.h"
#include "ops/entry_metadata.h"

namespace slipway::ops {
namespace {

Result<UniqueFd> open_directory(int parent, const std::string& name) {
  return open_file_at(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

}  // namespace

Status remove_entry(int directory_fd, const std::string& name) {
  if (::unlinkat(directory_fd, name.c_str(), 0) == 0 || errno == ENOENT) return {};
  if (errno != EISDIR) return errno_error("remove {}", name);
  {
    const UniqueFd fd = TRY(open_directory(directory_fd, name));
    for (const std::string& child : TRY(directory_entries(fd.get()))) {
      TRY(remove_entry(fd.get(), child));
    }
  }
  if (::unlinkat(directory_fd, name.c_str(), AT_REMOVEDIR) != 0) {
    return errno_error("remove {}", name);
  }
  return {};
}

Result<FileTarget> FileTarget::open(const store::OverlayLayers& layers, bool user_xattrs) {
  TreeRules rules;
  rules.user_xattrs = user_xattrs;
  RootDir upper = TRY(RootDir::open(layers.upper));
  return FileTarget(TRY(Tree::open(layers, std::move(rules))), std::move(upper));
}

Result<FileTarget::Dir> FileTarget::writable_child(const MergedDir& parent,
                                                   const std::string& name) {
  CHECK(parent.has_upper());
  Dir found = TRY(parent.child(name));
  if (found->has_upper()) return found;
  const std::string what = "copy up /" + found->path();
  // The lower layers show it, so upper has no whiteout here.
  if (::mkdirat(parent.descriptor(), name.c_str(), 0700) != 0) return errno_error("{}", what);
  const UniqueFd made = TRY(open_directory(parent.descriptor(), name).context(what));
  TRY(copy_metadata(found->descriptor(), made.get()).context(what));
  struct stat info;
  if (::fstat(found->descriptor(), &info) != 0) return errno_error("{}", what);
  times_.try_emplace(found->path(), DirectoryTime{info.st_mtim, false});
  return parent.child(name);
}

Result<FileTarget::Dir> FileTarget::writable(const std::string& resolved) {
  Dir here = tree_.root();
  for (const std::string& name : split(resolved, '/')) {
    if (!name.empty()) here = TRY(writable_child(*here, name));
  }
  return here;
}

Result<FileTarget::Dir> FileTarget::make_directory(const MergedDir& parent, const std::string& name,
                                                   unsigned mode,
                                                   const std::optional<Owner>& owner) {
  CHECK(parent.has_upper());
  const std::string what =
      "create directory /" + (parent.path().empty() ? name : parent.path() + "/" + name);
  touched(parent);
  bool covers_whiteout = false;
  if (::mkdirat(parent.descriptor(), name.c_str(), 0700) != 0) {
    struct stat info;
    if (errno != EEXIST) return errno_error("{}", what);
    if (::fstatat(parent.descriptor(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 ||
        !is_whiteout(info)) {
      return Error::from_errno(EEXIST, what);
    }
    // Removed before in this layer: what lower layers have of that name must stay hidden.
    covers_whiteout = true;
    TRY(remove_entry(parent.descriptor(), name).context(what));
    if (::mkdirat(parent.descriptor(), name.c_str(), 0700) != 0) return errno_error("{}", what);
  }
  const UniqueFd made = TRY(open_directory(parent.descriptor(), name).context(what));
  if (covers_whiteout) {
    TRY(layer::set_xattr(made.get(), opaque_xattr(user_xattrs()), "y").context(what));
  }
  const Owner wanted = owner.value_or(Owner());
  if (::fchown(made.get(), wanted.uid, wanted.gid) != 0) {
    return errno_error("{}: change owner to {}:{}", what, wanted.uid, wanted.gid);
  }
  if (::fchmod(made.get(), mode) != 0) return errno_error("{}: change mode", what);
  return parent.child(name);
}

Result<FileTarget::Dir> FileTarget::make_directories(const std::string& resolved, unsigned mode,
                                                     const std::optional<Owner>& owner,
                                                     const std::optional<timespec>& time) {
  Dir here = tree_.root();
  for (const std::string& name : split(resolved, '/')) {
    if (name.empty()) continue;
    const std::optional<MergedDir::Entry> entry = TRY(here->find(name));
    if (entry && !S_ISDIR(entry->info.st_mode)) {
      return Error::from_errno(ENOTDIR, "create directory " + resolved);
    }
    if (entry) {
      here = TRY(writable_child(*here, name));
      continue;
    }
    here = TRY(make_directory(*here, name, mode, owner));
    if (time) set_time(here->path(), *time);
  }
  return here;
}

Status FileTarget::remove(const MergedDir& parent, const std::string& name) {
  CHECK(parent.has_upper());
  touched(parent);
  const std::string what = "remove /" + parent.path() + "/" + name;
  TRY(remove_entry(parent.descriptor(), name).context(what));
  if (!TRY(parent.lower_has(name))) return {};
  if (::mknodat(parent.descriptor(), name.c_str(), S_IFCHR, makedev(0, 0)) != 0) {
    return errno_error("{}: create whiteout", what);
  }
  return {};
}

Status FileTarget::clear_place(const MergedDir& parent, const std::string& name) {
  touched(parent);
  return remove_entry(parent.descriptor(), name).context("replace /" + parent.path() + "/" + name);
}

void FileTarget::touched(const MergedDir& directory) {
  const auto found = times_.find(directory.path());
  if (found != times_.end() && !found->second.wanted) times_.erase(found);
}

void FileTarget::set_time(const std::string& path, timespec time) {
  times_[path] = DirectoryTime{time, true};
}

Status FileTarget::finish() {
  for (const auto& [path, wanted] : times_) {
    const Result<UniqueFd> fd = upper_.open_at("/" + path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!fd) continue;  // removed since
    const timespec times[2] = {wanted.time, wanted.time};
    if (::futimens(fd->get(), times) != 0) return errno_error("set times of /{}", path);
  }
  times_.clear();
  return {};
}

}  // namespace slipway::ops
