#include "ops/file_unpack.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include <memory>

#include "base/file_io.h"
#include "layer/xattr.h"

namespace slipway::ops {
namespace {

struct CloseArchive {
  void operator()(archive* reader) const { ::archive_read_free(reader); }
};
using Archive = std::unique_ptr<archive, CloseArchive>;

Error archive_error(archive* reader, std::string_view what) {
  const char* why = ::archive_error_string(reader);
  return make_error(ErrorCode::InvalidInput, "{}: {}", what, why != nullptr ? why : "damaged");
}

Archive open_archive(int fd) {
  Archive reader(::archive_read_new());
  ::archive_read_support_format_tar(reader.get());
  ::archive_read_support_filter_gzip(reader.get());
  ::archive_read_support_filter_bzip2(reader.get());
  ::archive_read_support_filter_xz(reader.get());
  ::archive_read_support_filter_zstd(reader.get());
  if (::archive_read_open_fd(reader.get(), fd, 256 * 1024) != ARCHIVE_OK) return nullptr;
  return reader;
}

class ArchiveUnpacker {
 public:
  ArchiveUnpacker(archive* reader, FileTarget& target, std::string destination,
                  const std::optional<Owner>& owner)
      : reader_(reader), target_(target), destination_(std::move(destination)), owner_(owner) {}

  Status add(archive_entry* entry) {
    const char* raw = ::archive_entry_pathname(entry);
    if (raw == nullptr || *raw == '\0') return archive_error(reader_, "an entry has no name");
    // ".." is resolved within the destination: "/dest" + clean("/../x").
    const std::string inside = TRY(clean_inside(raw));
    if (inside == "/") return top_directory(entry);
    const PathParts parts = split_last(inside);
    const std::string parent = TRY(target_.tree().resolve_below(destination_, parts.parent, true));
    const FileTarget::Dir directory = TRY(target_.make_directories(parent, 0755, {}, {}));
    return create(entry, directory, parts.name).context("unpack " + std::string(raw));
  }

 private:
  static Result<std::string> clean_inside(const std::string& name) {
    std::vector<std::string> parts;
    size_t at = 0;
    while (at < name.size()) {
      const size_t end = std::min(name.find('/', at), name.size());
      const std::string part = name.substr(at, end - at);
      at = end + 1;
      if (part.empty() || part == ".") continue;
      if (part == "..") {
        return make_error(ErrorCode::InvalidInput, "unpack {}: the path leaves the archive", name);
      }
      parts.push_back(part);
    }
    std::string clean;
    for (const std::string& part : parts) clean += "/" + part;
    return clean.empty() ? "/" : clean;
  }

  Owner owner_of(archive_entry* entry) const {
    return owner_.value_or(Owner{static_cast<uint32_t>(::archive_entry_uid(entry)),
                                 static_cast<uint32_t>(::archive_entry_gid(entry))});
  }
  static timespec time_of(archive_entry* entry) {
    return {::archive_entry_mtime(entry), ::archive_entry_mtime_nsec(entry)};
  }

  // "./": the destination takes the attributes of the archive's root.
  Status top_directory(archive_entry* entry) {
    const FileTarget::Dir directory = TRY(target_.writable(destination_));
    TRY(set_attributes(directory->descriptor(), entry, false));
    target_.set_time(directory->path(), time_of(entry));
    return {};
  }

  Status create(archive_entry* entry, const FileTarget::Dir& parent, const std::string& name) {
    const char* link = ::archive_entry_hardlink(entry);
    const mode_t type = ::archive_entry_filetype(entry);
    const std::optional<MergedDir::Entry> existing = TRY(parent->find(name));
    const bool is_directory = link == nullptr && S_ISDIR(type);
    if (existing && !(is_directory && S_ISDIR(existing->info.st_mode))) {
      TRY(target_.remove(*parent, name));
    }
    if (is_directory) return create_directory(entry, parent, name, existing.has_value());
    // A whiteout that covers nothing any more gives way to the new entry.
    TRY(target_.clear_place(*parent, name));
    if (link != nullptr) return create_hard_link(link, parent, name);
    switch (type) {
      case S_IFREG:
        return create_file(entry, parent, name);
      case S_IFLNK:
        return create_symlink(entry, parent, name);
      case S_IFCHR:
      case S_IFBLK:
      case S_IFIFO:
        return create_node(entry, type, parent, name);
      default:
        return {};
    }
  }

  Status create_directory(archive_entry* entry, const FileTarget::Dir& parent,
                          const std::string& name, bool exists) {
    const FileTarget::Dir made = exists && TRY(parent->find(name))
                                     ? TRY(target_.writable_child(*parent, name))
                                     : TRY(target_.make_directory(*parent, name, 0755, {}));
    TRY(set_attributes(made->descriptor(), entry, false));
    target_.set_time(made->path(), time_of(entry));
    return {};
  }

  Status create_file(archive_entry* entry, const FileTarget::Dir& parent, const std::string& name) {
    UniqueFd fd = TRY(
        open_file_at(parent->descriptor(), name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
    for (;;) {
      const void* data = nullptr;
      size_t size = 0;
      int64_t offset = 0;
      const int status = ::archive_read_data_block(reader_, &data, &size, &offset);
      if (status == ARCHIVE_EOF) break;
      if (status < ARCHIVE_WARN) return archive_error(reader_, "read data");
      if (::lseek(fd.get(), offset, SEEK_SET) < 0) return errno_error("seek");  // sparse files
      TRY(write_all(fd.get(), {static_cast<const char*>(data), size}));
    }
    if (::ftruncate(fd.get(), ::archive_entry_size(entry)) != 0) return errno_error("set size");
    TRY(set_attributes(fd.get(), entry, true));
    return fd.close();
  }

  Status create_symlink(archive_entry* entry, const FileTarget::Dir& parent,
                        const std::string& name) {
    const char* link = ::archive_entry_symlink(entry);
    if (link == nullptr) return archive_error(reader_, "a symlink has no target");
    if (::symlinkat(link, parent->descriptor(), name.c_str()) != 0) return errno_error("create");
    return set_attributes_by_name(entry, parent, name, false);
  }

  Status create_hard_link(const std::string& link, const FileTarget::Dir& parent,
                          const std::string& name) {
    const std::string inside = TRY(clean_inside(link));
    const PathParts from = split_last(inside);
    const std::string directory =
        TRY(target_.tree().resolve_below(destination_, from.parent, true));
    const FileTarget::Dir source = TRY(target_.writable(directory));
    if (::linkat(source->descriptor(), from.name.c_str(), parent->descriptor(), name.c_str(), 0) !=
        0) {
      return errno_error("link to {}", link);
    }
    return {};
  }

  Status create_node(archive_entry* entry, mode_t type, const FileTarget::Dir& parent,
                     const std::string& name) {
    if (S_ISCHR(type) && ::archive_entry_rdev(entry) == 0) {
      return make_error(ErrorCode::Unsupported,
                        "a character device 0:0 says that a file is deleted, and cannot be one");
    }
    if (::mknodat(parent->descriptor(), name.c_str(), type | 0600, ::archive_entry_rdev(entry)) !=
        0) {
      // In a user namespace devices cannot be made; containers get theirs from the runtime.
      if (errno == EPERM && target_.user_xattrs()) return {};
      return errno_error("create device");
    }
    return set_attributes_by_name(entry, parent, name, true);
  }

  Status set_attributes(int fd, archive_entry* entry, bool with_time) {
    const Owner owner = owner_of(entry);
    if (::fchown(fd, owner.uid, owner.gid) != 0) {
      return errno_error("change owner to {}:{}", owner.uid, owner.gid);
    }
    if (::fchmod(fd, ::archive_entry_perm(entry)) != 0) return errno_error("change mode");
    TRY(set_xattrs(fd, entry));
    const timespec times[2] = {time_of(entry), time_of(entry)};
    if (with_time && ::futimens(fd, times) != 0) return errno_error("set times");
    return {};
  }

  Status set_attributes_by_name(archive_entry* entry, const FileTarget::Dir& parent,
                                const std::string& name, bool with_mode) {
    const int directory = parent->descriptor();
    const Owner owner = owner_of(entry);
    if (::fchownat(directory, name.c_str(), owner.uid, owner.gid, AT_SYMLINK_NOFOLLOW) != 0) {
      return errno_error("change owner to {}:{}", owner.uid, owner.gid);
    }
    if (with_mode && ::fchmodat(directory, name.c_str(), ::archive_entry_perm(entry), 0) != 0) {
      return errno_error("change mode");
    }
    const timespec times[2] = {time_of(entry), time_of(entry)};
    if (::utimensat(directory, name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) {
      return errno_error("set times");
    }
    return {};
  }

  // Best effort, as Docker: an archive from another system may carry what this one cannot hold.
  // Never what overlayfs would take for its own.
  static Status set_xattrs(int fd, archive_entry* entry) {
    ::archive_entry_xattr_reset(entry);
    const char* key = nullptr;
    const void* value = nullptr;
    size_t size = 0;
    while (::archive_entry_xattr_next(entry, &key, &value, &size) == ARCHIVE_OK) {
      const std::string name = key;
      const bool wanted = name == "security.capability" ||
                          (name.starts_with("user.") && !name.starts_with("user.overlay."));
      if (!wanted) continue;
      const Status set = layer::set_xattr(fd, name, {static_cast<const char*>(value), size});
      if (!set && set.error().code() == ErrorCode::ResourceExhausted) return set.error();
    }
    return {};
  }

  archive* reader_;
  FileTarget& target_;
  std::string destination_;  // resolved
  std::optional<Owner> owner_;
};

}  // namespace

Result<bool> unpack_archive(const Tree& source, const std::string& path, FileTarget& target,
                            const std::string& destination, const std::optional<Owner>& owner,
                            const std::optional<timespec>& time, std::stop_token stop) {
  const PathParts from = split_last(TRY(source.resolve(path, true)));
  const std::shared_ptr<const MergedDir> directory = TRY(source.directory(from.parent));
  if (!directory || from.name.empty()) return false;
  const std::optional<MergedDir::Entry> found = TRY(directory->find(from.name));
  if (!found || !S_ISREG(found->info.st_mode)) return false;
  const UniqueFd fd = TRY(directory->open_file(from.name));
  const Archive reader = open_archive(fd.get());
  archive_entry* entry = nullptr;
  if (!reader) return false;
  int status = ::archive_read_next_header(reader.get(), &entry);
  if (status < ARCHIVE_WARN || status == ARCHIVE_EOF) return false;

  const std::string place = TRY(target.tree().resolve(destination, true));
  TRY(target.make_directories(place, 0755, owner, time));
  ArchiveUnpacker unpacker(reader.get(), target, place, owner);
  for (; status != ARCHIVE_EOF; status = ::archive_read_next_header(reader.get(), &entry)) {
    if (stop.stop_requested()) return make_error(ErrorCode::Cancelled, "cancelled");
    if (status < ARCHIVE_WARN) return archive_error(reader.get(), "unpack " + path);
    TRY(unpacker.add(entry));
  }
  return true;
}

}  // namespace slipway::ops
