#include "ops/file_entry.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "base/content_copy.h"
#include "layer/xattr.h"

namespace slipway::ops {
namespace {

// What belongs to a file's content, not to the place where it lies.
bool is_copied(const std::string& key) {
  if (key == "security.capability") return true;
  return key.starts_with("user.") && !key.starts_with("user.overlay.");
}

Status copy_xattrs(const TreeRules& rules, int from, int to) {
  if (rules.plain_owner || from < 0) return {};
  for (const std::string& key : TRY(layer::list_xattrs(from))) {
    if (!is_copied(key)) continue;
    const Status set = layer::set_xattr(to, key, TRY(layer::get_xattr(from, key)));
    if (!set && set.error().errno_value() != EOPNOTSUPP) return set.error();
  }
  return {};
}

Error changed() {
  return make_error(ErrorCode::InvalidInput,
                    "the file changed while the build was reading it; run the build again");
}

Owner wanted_owner(const struct stat& info, const Overrides& overrides) {
  return overrides.owner.value_or(Owner{info.st_uid, info.st_gid});
}

unsigned wanted_mode(const struct stat& info, const Overrides& overrides) {
  return overrides.mode ? overrides.mode->apply(info.st_mode) : info.st_mode & 07777;
}

timespec wanted_time(const struct stat& info, const Overrides& overrides) {
  return overrides.time.value_or(info.st_mtim);
}

// Runs `create`; where something is in the way in upper, removes it and tries once more.
template <typename Create>
Status create_in_place(const EntryCopy& copy, Create create) {
  if (create()) return {};
  if (errno != EEXIST) return errno_error("create");
  TRY(remove_entry(copy.target->descriptor(), copy.target_name));
  return create() ? Status() : errno_error("create");
}

bool has_attributes(const struct stat& info, const EntryCopy& copy, const Overrides& overrides) {
  const Owner owner = wanted_owner(copy.entry.info, overrides);
  const timespec time = wanted_time(copy.entry.info, overrides);
  return S_ISREG(info.st_mode) && info.st_size == copy.entry.info.st_size &&
         info.st_uid == owner.uid && info.st_gid == owner.gid &&
         (info.st_mode & 07777) == wanted_mode(copy.entry.info, overrides) &&
         info.st_mtim.tv_sec == time.tv_sec && info.st_mtim.tv_nsec == time.tv_nsec;
}

// False where it cannot be: too many links, another file system, a kernel that forbids it. Then a
// copy is as good, and tells what really is wrong.
bool link_in_place(const EntryCopy& copy, int directory, const std::string& name) {
  return create_in_place(copy,
                         [&] {
                           return ::linkat(directory, name.c_str(), copy.target->descriptor(),
                                           copy.target_name.c_str(), 0) == 0;
                         })
      .has_value();
}

// A file of a context: to what an earlier copy made of the same content at the same place.
Result<bool> link_to_earlier(const EntryCopy& copy, const Overrides& overrides,
                             const LinkSources& links) {
  if (links.earlier == nullptr || !copy.entry.digest) return false;
  const std::optional<struct stat> found =
      links.earlier->find(copy.earlier, copy.target_name, *copy.entry.digest);
  if (!found || !has_attributes(*found, copy, overrides)) return false;
  if (!TRY(links.claims->claim(links.earlier->earlier(), *found))) return false;
  if (!link_in_place(copy, copy.earlier->get(), copy.target_name)) return false;
  links.earlier->note(found->st_ino, copy.entry.digest);
  return true;
}

// A file of a snapshot: to itself, where the copy would differ in nothing.
Result<bool> link_to_source(const EntryCopy& copy, const Overrides& overrides,
                            const LinkSources& links) {
  const std::vector<store::SnapshotId>& layers = copy.source->rules().snapshots;
  if (copy.entry.layer >= layers.size() || !has_attributes(copy.entry.info, copy, overrides)) {
    return false;
  }
  {
    const UniqueFd fd = TRY(
        open_file_at(copy.entry.directory, copy.source_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
    if (!std::ranges::all_of(TRY(layer::list_xattrs(fd.get())), is_copied)) return false;
  }
  if (!TRY(links.claims->claim(layers[copy.entry.layer], copy.entry.info))) return false;
  return link_in_place(copy, copy.entry.directory, copy.source_name);
}

Result<bool> link_regular(const EntryCopy& copy, const Overrides& overrides,
                          const LinkSources& links) {
  if (links.claims == nullptr) return false;
  // Digests of contexts leave owners and attributes out, which copies do not get.
  if (copy.source->rules().plain_owner) return link_to_earlier(copy, overrides, links);
  return link_to_source(copy, overrides, links);
}

Status copy_regular(const EntryCopy& copy, const Overrides& overrides, const LinkSources& links) {
  if (TRY(link_regular(copy, overrides, links))) return {};
  const UniqueFd from = TRY(copy.source->open_file(copy.source_name));
  struct stat before;
  if (::fstat(from.get(), &before) != 0) return errno_error("stat");
  if (!S_ISREG(before.st_mode)) return changed();
  if (copy.entry.known && FileStamp::of(before) != *copy.entry.known) return changed();

  UniqueFd to;
  TRY(create_in_place(copy, [&] {
    to = UniqueFd(::openat(copy.target->descriptor(), copy.target_name.c_str(),
                           O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    return static_cast<bool>(to);
  }));
  TRY(copy_content(from.get(), to.get(), static_cast<uint64_t>(before.st_size)));
  if (copy.entry.known) {
    struct stat after;
    if (::fstat(from.get(), &after) != 0) return errno_error("stat");
    if (FileStamp::of(after) != *copy.entry.known) return changed();
  }
  // chown(2) clears setuid bits and capabilities, so it comes first.
  const Owner owner = wanted_owner(copy.entry.info, overrides);
  if (::fchown(to.get(), owner.uid, owner.gid) != 0) {
    return errno_error("change owner to {}:{}", owner.uid, owner.gid);
  }
  if (::fchmod(to.get(), wanted_mode(copy.entry.info, overrides)) != 0) {
    return errno_error("change mode");
  }
  TRY(copy_xattrs(copy.source->rules(), from.get(), to.get()));
  const timespec time = wanted_time(copy.entry.info, overrides);
  const timespec times[2] = {time, time};
  if (::futimens(to.get(), times) != 0) return errno_error("set times");
  if (links.earlier != nullptr) {
    struct stat made;
    if (::fstat(to.get(), &made) != 0) return errno_error("stat");
    links.earlier->note(made.st_ino, copy.entry.digest);
  }
  return to.close();
}

Status copy_symlink(const EntryCopy& copy) {
  const std::string target = TRY(copy.source->read_link(copy.source_name));
  return create_in_place(copy, [&] {
    return ::symlinkat(target.c_str(), copy.target->descriptor(), copy.target_name.c_str()) == 0;
  });
}

Status copy_node(const EntryCopy& copy) {
  const struct stat& info = copy.entry.info;
  // A socket means nothing without its process: an empty file stands in for it, as in BuildKit.
  const mode_t type = S_ISSOCK(info.st_mode) ? S_IFREG : info.st_mode & S_IFMT;
  const bool is_device = S_ISCHR(type) || S_ISBLK(type);
  return create_in_place(copy, [&] {
    return ::mknodat(copy.target->descriptor(), copy.target_name.c_str(), type | 0600,
                     is_device ? info.st_rdev : 0) == 0;
  });
}

// For what cannot be opened. The name was created by us: no symlink is followed by chmod.
Status set_attributes_by_name(const EntryCopy& copy, const Overrides& overrides) {
  const int directory = copy.target->descriptor();
  const char* name = copy.target_name.c_str();
  const Owner owner = wanted_owner(copy.entry.info, overrides);
  if (::fchownat(directory, name, owner.uid, owner.gid, AT_SYMLINK_NOFOLLOW) != 0) {
    return errno_error("change owner to {}:{}", owner.uid, owner.gid);
  }
  if (!S_ISLNK(copy.entry.info.st_mode) &&
      ::fchmodat(directory, name, wanted_mode(copy.entry.info, overrides), 0) != 0) {
    return errno_error("change mode");
  }
  const timespec time = wanted_time(copy.entry.info, overrides);
  const timespec times[2] = {time, time};
  if (::utimensat(directory, name, times, AT_SYMLINK_NOFOLLOW) != 0)
    return errno_error("set times");
  return {};
}

Status copy_by_type(const EntryCopy& copy, const Overrides& overrides, const LinkSources& links) {
  if (S_ISREG(copy.entry.info.st_mode)) return copy_regular(copy, overrides, links);
  TRY(S_ISLNK(copy.entry.info.st_mode) ? copy_symlink(copy) : copy_node(copy));
  return set_attributes_by_name(copy, overrides);
}

}  // namespace

Status copy_entry(const EntryCopy& copy, const Overrides& overrides, const LinkSources& links) {
  return copy_by_type(copy, overrides, links)
      .context("copy " + join_path("/" + copy.source->path(), copy.source_name));
}

Status copy_directory_attributes(const MergedDir& source, const struct stat& info, int target_fd,
                                 const Overrides& overrides) {
  const Owner owner = wanted_owner(info, overrides);
  if (::fchown(target_fd, owner.uid, owner.gid) != 0) {
    return errno_error("copy /{}: change owner to {}:{}", source.path(), owner.uid, owner.gid);
  }
  if (::fchmod(target_fd, wanted_mode(info, overrides)) != 0) {
    return errno_error("copy /{}: change mode", source.path());
  }
  return copy_xattrs(source.rules(), source.descriptor(), target_fd)
      .context("copy /" + source.path());
}

}  // namespace slipway::ops
