#include "layer/layer_unpacker.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/check.h"
#include "base/directory_entries.h"
#include "base/file_io.h"
#include "base/overlayfs.h"
#include "base/text.h"
#include "layer/xattr.h"

namespace slipway::layer {
namespace {

constexpr std::string_view kWhiteout = ".wh.";
constexpr std::string_view kOpaque = ".wh..wh..opq";

struct SplitPath {
  std::string parent;  // "" is the root
  std::string name;    // "" when the path is the root itself
  std::string full() const { return parent.empty() ? name : parent + "/" + name; }
};

// "./usr//lib/" -> usr, lib. A path with ".." in it is refused: no honest archive has one.
Result<SplitPath> split_path(const std::string& path) {
  SplitPath result;
  for (const std::string& part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      return make_error(ErrorCode::InvalidInput, "unpack layer: {}: the path leaves the image",
                        path);
    }
    result.parent = result.full();
    result.name = part;
  }
  return result;
}

// Removes `name`, and what is in it, following no symlink.
Status remove_at(int parent, const std::string& name) {
  if (::unlinkat(parent, name.c_str(), 0) == 0) return {};
  if (errno != EISDIR) return errno_error("remove {}", name);
  {
    const UniqueFd fd = TRY(open_file_at(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    for (const std::string& child : TRY(directory_entries(fd.get()))) {
      TRY(remove_at(fd.get(), child));
    }
  }
  if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) != 0) return errno_error("remove {}", name);
  return {};
}

timespec modification_time(const TarEntry& entry) {
  return {static_cast<time_t>(entry.mtime), static_cast<long>(entry.mtime_nanoseconds)};
}

// Attributes that make sense in an image. Those of overlayfs itself, above all, must not come from
// an archive: a redirect would show files of other layers.
bool keeps_xattr(const std::string& key) {
  if (key.starts_with("user.overlay.")) return false;
  return key == "security.capability" || key.starts_with("user.") ||
         key.starts_with("system.posix_acl_");
}

}  // namespace

Result<LayerUnpacker> LayerUnpacker::create(const std::filesystem::path& directory,
                                            const ApplyOptions& options) {
  return LayerUnpacker(TRY(RootDir::open(directory)), options);
}

Status LayerUnpacker::add(const TarEntry& entry, TarReader& reader) {
  const SplitPath path = TRY(split_path(entry.name));
  if (path.name.empty()) return root_entry(entry);
  if (options_.overlay && path.name.starts_with(kWhiteout)) return special(path.parent, path.name);
  const int parent = TRY(directory(path.parent));
  return create_entry(parent, path.name, path.full(), entry, reader)
      .context("unpack layer: " + entry.name);
}

Status LayerUnpacker::root_entry(const TarEntry& entry) {
  if (entry.type != EntryType::Directory) {
    return make_error(ErrorCode::InvalidInput, "unpack layer: \"{}\" is no name for a file",
                      entry.name);
  }
  const UniqueFd fd = TRY(root_.open_at("/", O_RDONLY | O_DIRECTORY));
  TRY(set_metadata(fd.get(), entry, false));
  directory_times_.emplace_back("/", modification_time(entry));
  return {};
}

Result<int> LayerUnpacker::directory(const std::string& path) {
  if (open_path_ == path) return open_directory_.get();
  constexpr int kFlags = O_RDONLY | O_DIRECTORY;
  Result<UniqueFd> fd = root_.open_at("/" + path, kFlags);
  if (!fd) {
    const int why = fd.error().errno_value();
    if (why != ENOENT && why != ENOTDIR) return std::move(fd).error().context("unpack layer");
    TRY(make_implied(path).context("unpack layer: create directory " + path));
    fd = TRY(root_.open_at("/" + path, kFlags).context("unpack layer"));
  }
  open_directory_ = *std::move(fd);
  open_path_ = path;
  return open_directory_.get();
}

// Creates what is missing of `path`.
Status LayerUnpacker::make_implied(const std::string& path) {
  std::string here;
  for (const std::string& name : split(path, '/')) {
    here += here.empty() ? name : "/" + name;
    const std::optional<struct stat> found = TRY(root_.stat_at("/" + here, false));
    if (found && S_ISDIR(found->st_mode)) continue;
    if (found && S_ISLNK(found->st_mode)) {
      // Its target may lie in a lower layer: then it is implied here too.
      const std::string target = TRY(root_.canonical("/" + here)).substr(1);
      if (target != here) TRY(make_implied(target));
      continue;
    }
    const RootDir::Parent parent = TRY(root_.open_parent("/" + here));
    const bool covers_whiteout = options_.overlay && found && is_whiteout(*found);
    if (covers_whiteout) TRY(remove_at(parent.directory.get(), parent.name));
    if (::mkdirat(parent.directory.get(), parent.name.c_str(), 0755) != 0) {
      return errno_error("create {}", here);
    }
    const UniqueFd fd =
        TRY(open_file_at(parent.directory.get(), parent.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    if (::fchmod(fd.get(), 0755) != 0) return errno_error("change mode of {}", here);
    if (covers_whiteout) TRY(set_xattr(fd.get(), opaque_xattr(options_.user_xattrs), "y"));
    implied_.insert(here);
  }
  return {};
}

Status LayerUnpacker::make_opaque(const std::string& path) {
  const int fd = TRY(directory(path));
  return set_xattr(fd, opaque_xattr(options_.user_xattrs), "y").context("unpack layer: " + path);
}

Status LayerUnpacker::special(const std::string& parent, const std::string& name) {
  if (name == kOpaque) return make_opaque(parent);
  if (name.starts_with(".wh..wh.")) return {};  // AUFS's own bookkeeping
  const std::string target = name.substr(kWhiteout.size());
  if (target.empty() || target == "." || target == "..") {
    return make_error(ErrorCode::InvalidInput, "unpack layer: {}/{} hides no name", parent, name);
  }
  return whiteout(parent, target).context(fmt::format("unpack layer: {}/{}", parent, name));
}

Status LayerUnpacker::whiteout(const std::string& parent, const std::string& name) {
  const int fd = TRY(directory(parent));
  if (::mknodat(fd, name.c_str(), S_IFCHR, makedev(0, 0)) == 0) return {};
  if (errno != EEXIST) return errno_error("create whiteout");
  // A whiteout hides what the layers below have, not what this layer has (image-spec layer.md).
  struct stat info;
  if (::fstatat(fd, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return errno_error("stat");
  if (!S_ISDIR(info.st_mode)) return {};
  return make_opaque(parent.empty() ? name : parent + "/" + name);
}

// Makes room for a new entry. Returns whether a whiteout was there.
Result<bool> LayerUnpacker::clear_place(int parent, const std::string& name, bool for_directory) {
  struct stat info;
  if (::fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return false;
    return errno_error("stat");
  }
  if (for_directory && S_ISDIR(info.st_mode)) return false;
  // The directory that we hold open may be reached through what goes now; it stays open.
  if (S_ISDIR(info.st_mode) || S_ISLNK(info.st_mode)) open_path_.reset();
  TRY(remove_at(parent, name));
  return options_.overlay && is_whiteout(info);
}

Status LayerUnpacker::create_entry(int parent, const std::string& name, const std::string& path,
                                   const TarEntry& entry, TarReader& reader) {
  switch (entry.type) {
    case EntryType::File:
      if (options_.skeleton && entry.size == 0) return create_placeholder(parent, name);
      return create_file(parent, name, entry, reader);
    case EntryType::Directory:
      return create_directory(parent, name, path, entry);
    case EntryType::Symlink:
      return create_symlink(parent, name, entry);
    case EntryType::HardLink:
      return create_hard_link(parent, name, entry);
    case EntryType::CharDevice:
    case EntryType::BlockDevice:
    case EntryType::Fifo:
      return create_node(parent, name, entry);
  }
  CHECK(false);
}

Status LayerUnpacker::create_file(int parent, const std::string& name, const TarEntry& entry,
                                  TarReader& reader) {
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
  Result<UniqueFd> created = open_file_at(parent, name, kFlags, 0600);
  if (!created && created.error().errno_value() == EEXIST) {
    TRY(clear_place(parent, name, false));
    created = open_file_at(parent, name, kFlags, 0600);
  }
  UniqueFd fd = TRY(std::move(created));
  for (;;) {
    const std::string_view piece = TRY(reader.data());
    if (piece.empty()) break;
    TRY(write_all(fd.get(), piece));
  }
  TRY(set_metadata(fd.get(), entry, true));
  return fd.close();
}

// For a file of which only the name is known.
Status LayerUnpacker::create_placeholder(int parent, const std::string& name) {
  const auto make = [&] { return ::mknodat(parent, name.c_str(), S_IFSOCK | 0600, 0) == 0; };
  if (make()) return {};
  if (errno != EEXIST) return errno_error("create placeholder");
  TRY(clear_place(parent, name, false));
  return make() ? Status() : errno_error("create placeholder");
}

Status LayerUnpacker::create_directory(int parent, const std::string& name, const std::string& path,
                                       const TarEntry& entry) {
  bool covers_whiteout = false;
  if (::mkdirat(parent, name.c_str(), 0700) != 0) {
    if (errno != EEXIST) return errno_error("create directory");
    covers_whiteout = TRY(clear_place(parent, name, true));
    if (::mkdirat(parent, name.c_str(), 0700) != 0 && errno != EEXIST) {
      return errno_error("create directory");
    }
  }
  const UniqueFd fd = TRY(open_file_at(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  // Hidden below and there again: the new directory must not merge with the old one.
  if (covers_whiteout) TRY(set_xattr(fd.get(), opaque_xattr(options_.user_xattrs), "y"));
  TRY(set_metadata(fd.get(), entry, false));
  implied_.erase(path);
  directory_times_.emplace_back("/" + path, modification_time(entry));
  return {};
}

Status LayerUnpacker::create_symlink(int parent, const std::string& name, const TarEntry& entry) {
  if (::symlinkat(entry.link_name.c_str(), parent, name.c_str()) != 0) {
    if (errno != EEXIST) return errno_error("create symlink");
    TRY(clear_place(parent, name, false));
    if (::symlinkat(entry.link_name.c_str(), parent, name.c_str()) != 0) {
      return errno_error("create symlink");
    }
  }
  if (::fchownat(parent, name.c_str(), entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW) != 0) {
    return errno_error("change owner");
  }
  const timespec times[2] = {modification_time(entry), modification_time(entry)};
  if (::utimensat(parent, name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) {
    return errno_error("set times");
  }
  return {};
}

Status LayerUnpacker::create_hard_link(int parent, const std::string& name, const TarEntry& entry) {
  const SplitPath target = TRY(split_path(entry.link_name));
  const SplitPath own = TRY(split_path(entry.name));
  if (target.full() == own.full()) return {};
  const std::string what = "link to " + entry.link_name;
  const UniqueFd directory =
      TRY(root_.open_at("/" + target.parent, O_PATH | O_DIRECTORY).context(what));
  const auto link = [&] {
    return ::linkat(directory.get(), target.name.c_str(), parent, name.c_str(), 0) == 0;
  };
  if (link()) return {};
  if (errno != EEXIST) return errno_error("{}", what);
  struct stat from;
  struct stat to;
  if (::fstatat(directory.get(), target.name.c_str(), &from, AT_SYMLINK_NOFOLLOW) != 0 ||
      ::fstatat(parent, name.c_str(), &to, AT_SYMLINK_NOFOLLOW) != 0) {
    return errno_error("{}", what);
  }
  if (from.st_dev == to.st_dev && from.st_ino == to.st_ino) return {};
  TRY(clear_place(parent, name, false));
  return link() ? Status() : errno_error("{}", what);
}

Status LayerUnpacker::create_node(int parent, const std::string& name, const TarEntry& entry) {
  const mode_t type = entry.type == EntryType::Fifo         ? S_IFIFO
                      : entry.type == EntryType::CharDevice ? S_IFCHR
                                                            : S_IFBLK;
  const dev_t device = makedev(entry.device_major, entry.device_minor);
  const auto make = [&] { return ::mknodat(parent, name.c_str(), type | 0600, device) == 0; };
  if (!make()) {
    if (errno == EEXIST) {
      TRY(clear_place(parent, name, false));
      if (!make()) return errno_error("create device");
    } else if (errno == EPERM && options_.user_xattrs && entry.type != EntryType::Fifo) {
      return {};  // a user namespace cannot have devices; containers get theirs from the runtime
    } else {
      return errno_error("create device");
    }
  }
  // `name` is the node that was just made: nothing that could be followed.
  if (::fchownat(parent, name.c_str(), entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW) != 0) {
    return errno_error("change owner");
  }
  if (::fchmodat(parent, name.c_str(), entry.mode, 0) != 0) return errno_error("change mode");
  const timespec times[2] = {modification_time(entry), modification_time(entry)};
  if (::utimensat(parent, name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) {
    return errno_error("set times");
  }
  return {};
}

// The order matters: chown(2) clears setuid bits and capabilities.
Status LayerUnpacker::set_metadata(int fd, const TarEntry& entry, bool with_time) {
  if (::fchown(fd, entry.uid, entry.gid) != 0) {
    return errno_error("change owner to {}:{}", entry.uid, entry.gid);
  }
  if (::fchmod(fd, entry.mode) != 0) return errno_error("change mode");
  for (const auto& [key, value] : entry.xattrs) {
    if (!keeps_xattr(key)) continue;
    Status set = set_xattr(fd, key, value);
    // Only capabilities change what a file does; the rest may be beyond this file system.
    const bool may_miss = key != "security.capability";
    if (!set && !(may_miss && (set.error().errno_value() == EOPNOTSUPP ||
                               set.error().errno_value() == EPERM))) {
      return set;
    }
  }
  if (!with_time) return {};
  const timespec times[2] = {modification_time(entry), modification_time(entry)};
  if (::futimens(fd, times) != 0) return errno_error("set times");
  return {};
}

Result<std::vector<std::string>> LayerUnpacker::finish() {
  for (const auto& [path, time] : directory_times_) {
    const Result<UniqueFd> fd = root_.open_at(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!fd) continue;  // a later entry took its place
    const timespec times[2] = {time, time};
    if (::futimens(fd->get(), times) != 0) return errno_error("set times of {}", path);
  }
  return std::vector<std::string>(implied_.begin(), implied_.end());
}

}  // namespace slipway::layer
