#include "ops/file_actions.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/file_io.h"
#include "base/pattern_matcher.h"
#include "ops/file_copy.h"

namespace slipway::ops {
namespace {

struct Place {
  FileTarget::Dir parent;  // writable
  std::string name;        // "" is the root
  std::optional<MergedDir::Entry> existing;
};

// Where `path` leads: its parent must be a directory.
Result<Place> find_place(FileTarget& target, const std::string& path, bool follow_last) {
  const PathParts parts = split_last(TRY(target.tree().resolve(path, follow_last)));
  const std::shared_ptr<const MergedDir> parent = TRY(target.tree().directory(parts.parent));
  if (!parent) return Error::from_errno(ENOENT, path);
  Place place{TRY(target.writable(parts.parent)), parts.name, std::nullopt};
  if (!place.name.empty()) place.existing = TRY(place.parent->find(place.name));
  return place;
}

Status remove_one(const std::string& path, bool allow_missing, FileTarget& target) {
  const std::string clean = clean_path("/" + path);
  if (clean == "/") return make_error(ErrorCode::InvalidInput, "remove {}: is the root", path);
  // The last component is removed itself, not what it points to.
  const PathParts parts = split_last(TRY(target.tree().resolve(clean, false)));
  const std::shared_ptr<const MergedDir> parent = TRY(target.tree().directory(parts.parent));
  const bool exists = parent && TRY(parent->find(parts.name));
  if (!exists) {
    return allow_missing ? Status() : Status(Error::from_errno(ENOENT, "remove " + path));
  }
  return target.remove(*TRY(target.writable(parts.parent)), parts.name);
}

}  // namespace

Status make_file(const graph::FileMkfile& action, const std::optional<Owner>& owner,
                 FileTarget& target) {
  const std::string what = "create file " + action.path;
  Place place = TRY(find_place(target, action.path, true).context(what));
  if (place.name.empty() || (place.existing && S_ISDIR(place.existing->info.st_mode))) {
    return Error::from_errno(EISDIR, what);
  }
  // What is there goes first and is never opened: it may be a device.
  TRY(target.clear_place(*place.parent, place.name));
  UniqueFd fd = TRY(open_file_at(place.parent->descriptor(), place.name,
                                 O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600)
                        .context(what));
  TRY(write_all(fd.get(), action.data).context(what));
  const Owner wanted = owner.value_or(Owner());
  if (::fchown(fd.get(), wanted.uid, wanted.gid) != 0) return errno_error("{}: change owner", what);
  if (::fchmod(fd.get(), static_cast<mode_t>(action.mode) & 0777) != 0) {
    return errno_error("{}: change mode", what);
  }
  if (const std::optional<timespec> time = to_time(action.timestamp)) {
    const timespec times[2] = {*time, *time};
    if (::futimens(fd.get(), times) != 0) return errno_error("{}: set times", what);
  }
  return fd.close();
}

Status make_directory(const graph::FileMkdir& action, const std::optional<Owner>& owner,
                      FileTarget& target) {
  const unsigned mode = static_cast<unsigned>(action.mode) & 0777;
  const std::optional<timespec> time = to_time(action.timestamp);
  if (action.make_parents) {
    const std::string path = TRY(target.tree().resolve(action.path, true));
    TRY(target.make_directories(path, mode, owner, time));
    return {};
  }
  const Place place =
      TRY(find_place(target, action.path, true).context("create directory " + action.path));
  if (place.name.empty() || place.existing) return {};
  const FileTarget::Dir made = TRY(target.make_directory(*place.parent, place.name, mode, owner));
  if (time) target.set_time(made->path(), *time);
  return {};
}

Status remove_path(const graph::FileRm& action, FileTarget& target) {
  if (!action.allow_wildcard) return remove_one(action.path, action.allow_not_found, target);
  const std::string pattern = clean_path("/" + action.path);
  for (const std::string& match : TRY(match_wildcards(target.tree(), pattern, false))) {
    TRY(remove_one(match, action.allow_not_found, target));
  }
  return {};
}

Status make_symlink(const graph::FileSymlink& action, const std::optional<Owner>& owner,
                    FileTarget& target) {
  const std::string what = "create symlink " + action.newpath;
  const Place place = TRY(find_place(target, action.newpath, true).context(what));
  if (place.name.empty() || place.existing) return Error::from_errno(EEXIST, what);
  TRY(target.clear_place(*place.parent, place.name));  // a whiteout
  const int parent = place.parent->descriptor();
  const char* name = place.name.c_str();
  if (::symlinkat(action.oldpath.c_str(), parent, name) != 0) return errno_error("{}", what);
  const Owner wanted = owner.value_or(Owner());
  if (::fchownat(parent, name, wanted.uid, wanted.gid, AT_SYMLINK_NOFOLLOW) != 0) {
    return errno_error("{}: change owner", what);
  }
  if (const std::optional<timespec> time = to_time(action.timestamp)) {
    const timespec times[2] = {*time, *time};
    if (::utimensat(parent, name, times, AT_SYMLINK_NOFOLLOW) != 0) {
      return errno_error("{}: set times", what);
    }
  }
  return {};
}

}  // namespace slipway::ops
