#include "layer/tree_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "base/directory_entries.h"
#include "base/overlayfs.h"
#include "base/unique_fd.h"
#include "layer/name_hash.h"
#include "layer/skeleton.h"
#include "layer/tar_entry.h"
#include "layer/xattr.h"

namespace slipway::layer {
namespace {

constexpr char kWhiteout[] = ".wh.";
constexpr char kOpaque[] = ".wh..wh..opq";

// Where blocks are cut is part of the format (docs/layers.md): a change changes digests.
// Files of this size have blocks of their own.
constexpr uint64_t kOwnBlocks = 128 << 10;
// Runs of small entries end before one entry in 32, chosen by its name, so that runs meet again
// behind an entry that came or went; but not before they are worth a block.
constexpr uint64_t kRunEntries = 32;
constexpr size_t kShortestRun = 64 << 10;

bool ends_run(std::string_view path) {
  return name_hash(path) % kRunEntries == 0;
}

class TreeWriter {
 public:
  TreeWriter(const TreeOptions& options, TarSink& sink, std::stop_token stop)
      : options_(options), sink_(sink), stop_(std::move(stop)) {}

  // The tree whose root is `fd`, or the part of it.
  Status tree(int fd) {
    if (kind() == LayerPart::Kind::Subtree) return path_to_root(fd, "", options_.part->root);
    const bool elsewhere = options_.part != nullptr && options_.part->elsewhere.contains("");
    return directory(fd, "", elsewhere ? Held::DirectoriesOnly : Held::Everything);
  }

 private:
  // A tree that is no part is written as the topmost part would be if it were the only one,
  // whiteouts included.
  LayerPart::Kind kind() const {
    return options_.part != nullptr ? options_.part->kind : LayerPart::Kind::Rest;
  }
  bool takes_deletions() const {
    return options_.part == nullptr || kind() == LayerPart::Kind::Deletions;
  }

  // The directories on the way to the root of a subtree, and it: `left` is what is below `path`.
  Status path_to_root(int fd, const std::string& path, const std::string& left) {
    if (left.empty()) return directory(fd, path, Held::Everything);
    const size_t slash = left.find('/');
    const std::string name = left.substr(0, slash);
    struct stat info;
    if (::fstatat(fd, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      return errno_error("stat /{}{}", path, name);
    }
    const UniqueFd below = TRY(open_file_at(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    TarEntry entry = describe(path + name, info);
    TRY(directory_header(below.get(), entry));
    return path_to_root(below.get(), entry.name,
                        slash == std::string::npos ? "" : left.substr(slash + 1));
  }

  Status directory(int fd, const std::string& path, Held held) {
    for (const std::string& name : TRY(directory_entries(fd).context("read directory /" + path))) {
      if (stop_.stop_requested()) return make_error(ErrorCode::Cancelled, "cancelled");
      TRY(entry(fd, path, name, held));
    }
    return {};
  }

  TarEntry describe(const std::string& path, const struct stat& info) const {
    TarEntry entry;
    entry.name = path;
    entry.mode = info.st_mode & 07777;
    entry.uid = info.st_uid;
    entry.gid = info.st_gid;
    entry.mtime = info.st_mtim.tv_sec;
    if (options_.exact_times) {
      entry.mtime_nanoseconds = static_cast<uint32_t>(info.st_mtim.tv_nsec);
    }
    if (options_.fixed_mtime) entry.mtime = *options_.fixed_mtime;
    if (options_.clamp_mtime) entry.mtime = std::min(entry.mtime, *options_.clamp_mtime);
    return entry;
  }

  // Of an entry that is no directory.
  bool is_held(const std::string& parent_path, const std::string& name, const std::string& path,
               const struct stat& info, Held held) const {
    if (options_.part == nullptr) return true;
    // Empty files may be whiteouts.
    if (kind() == LayerPart::Kind::Deletions) return S_ISREG(info.st_mode) && info.st_size == 0;
    const std::string_view parent =
        std::string_view(parent_path).substr(0, parent_path.empty() ? 0 : parent_path.size() - 1);
    return holds_file(*options_.part, parent, name, path, held);
  }

  Held held_directory(const std::string& parent_path, const std::string& name,
                      const std::string& path, Held held) const {
    if (takes_deletions()) return Held::Everything;
    const std::string_view parent =
        std::string_view(parent_path).substr(0, parent_path.empty() ? 0 : parent_path.size() - 1);
    return held_below(*options_.part, parent, name, path, held);
  }

  Status entry(int parent, const std::string& parent_path, const std::string& name, Held held) {
    const std::string path = parent_path + name;
    struct stat info;
    if (::fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      return errno_error("stat /{}", path);
    }
    if (options_.overlay && is_whiteout(info)) {
      return whiteout(parent_path, name);
    }
    if (S_ISDIR(info.st_mode)) {
      held = held_directory(parent_path, name, path, held);
      if (held == Held::Nothing) return {};
    } else if (!is_held(parent_path, name, path, info, held)) {
      return {};
    }
    if (options_.overlay && name.starts_with(kWhiteout)) {
      return make_error(ErrorCode::Unsupported,
                        "write layer: /{}: a name that starts with \"{}\" has a meaning of its own "
                        "in layers",
                        path, kWhiteout);
    }
    TarEntry entry = describe(path, info);
    if (!S_ISDIR(info.st_mode) && info.st_nlink > 1) {
      const auto [first, inserted] =
          first_names_.try_emplace({info.st_dev, info.st_ino}, options_.prefix + path);
      if (!inserted) {
        entry.type = EntryType::HardLink;
        entry.link_name = first->second;
        return header(std::move(entry));
      }
    }
    switch (info.st_mode & S_IFMT) {
      case S_IFREG:
        return file(parent, name, info, std::move(entry));
      case S_IFDIR:
        return subdirectory(parent, name, std::move(entry), held);
      case S_IFLNK:
        entry.type = EntryType::Symlink;
        entry.link_name = TRY(read_link(parent, name));
        return header(std::move(entry));
      case S_IFCHR:
        return device(EntryType::CharDevice, info, std::move(entry));
      case S_IFBLK:
        return device(EntryType::BlockDevice, info, std::move(entry));
      case S_IFIFO:
        entry.type = EntryType::Fifo;
        return header(std::move(entry));
      default:
        return {};  // a socket means nothing without its process
    }
  }

  Status header(TarEntry entry) {
    for (TarEntry& above : std::exchange(unwritten_, {})) TRY(put(std::move(above)));
    return put(std::move(entry));
  }

  Status put(TarEntry entry) {
    entry.name.insert(0, options_.prefix);
    if (ends_run(entry.name)) TRY(sink_.cut(kShortestRun));
    return sink_.member(entry);
  }

  Status whiteout(const std::string& parent_path, const std::string& name) {
    if (!takes_deletions()) return {};
    TarEntry entry;
    entry.name = parent_path + kWhiteout + name;
    return header(std::move(entry));
  }

  Status device(EntryType type, const struct stat& info, TarEntry entry) {
    entry.type = type;
    entry.device_major = major(info.st_rdev);
    entry.device_minor = minor(info.st_rdev);
    return header(std::move(entry));
  }

  // What the attributes of an upper directory or file say, those of overlayfs taken out.
  struct Attributes {
    std::map<std::string, std::string> kept;
    bool opaque = false;
    bool whiteout = false;
  };

  Result<Attributes> attributes(int fd, const std::string& path) {
    Attributes result;
    const std::string overlay = options_.user_xattrs ? "user.overlay." : "trusted.overlay.";
    for (const std::string& key : TRY(list_xattrs(fd).context("read attributes of /" + path))) {
      if (options_.overlay && key.starts_with(overlay)) {
        const std::string_view what = std::string_view(key).substr(overlay.size());
        if (what == "redirect" || what == "metacopy") {
          return make_error(ErrorCode::Unsupported,
                            "write layer: /{}: overlayfs attribute {} refers to a lower layer",
                            path, key);
        }
        // "y" is opaque; "x" only tells overlayfs to look for attribute whiteouts below.
        if (what == "opaque") result.opaque = TRY(get_xattr(fd, key)) == "y";
        if (what == "whiteout") result.whiteout = true;
        continue;
      }
      if (key != "security.capability" && !key.starts_with("user.")) continue;
      if (key.starts_with("user.overlay.")) continue;
      result.kept[key] = TRY(get_xattr(fd, key).context("read attributes of /" + path));
    }
    return result;
  }

  // Completes the entry of an open directory and writes it.
  Status directory_header(int fd, TarEntry& entry) {
    Attributes found = TRY(attributes(fd, entry.name));
    entry.type = EntryType::Directory;
    entry.name += '/';
    entry.xattrs = std::move(found.kept);
    if (kind() != LayerPart::Kind::Rest) entry.mtime = entry.mtime_nanoseconds = 0;
    if (kind() == LayerPart::Kind::Deletions) {
      unwritten_.push_back(entry);
    } else {
      TRY(header(entry));
    }
    if (!found.opaque || !takes_deletions()) return {};
    TarEntry marker;
    marker.name = entry.name + kOpaque;
    return header(std::move(marker));
  }

  Status subdirectory(int parent, const std::string& name, TarEntry entry, Held held) {
    const UniqueFd fd = TRY(open_file_at(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    TRY(directory_header(fd.get(), entry));
    TRY(directory(fd.get(), entry.name, held));
    if (!unwritten_.empty() && unwritten_.back().name == entry.name) unwritten_.pop_back();
    return {};
  }

  Status file(int parent, const std::string& name, const struct stat& info, TarEntry entry) {
    const std::string path = entry.name;
    const UniqueFd fd = TRY(
        open_file_at(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).context("open /" + path));
    Attributes found = TRY(attributes(fd.get(), path));
    if (found.whiteout && info.st_size == 0) {
      return whiteout(path.substr(0, path.size() - name.size()), name);
    }
    if (kind() == LayerPart::Kind::Deletions) return {};
    entry.xattrs = std::move(found.kept);
    entry.size = static_cast<uint64_t>(info.st_size);
    if (options_.skeleton && !skeleton_keeps(path, entry.size)) {
      return header(without_content(entry));
    }
    TRY(header(std::move(entry)));
    const auto size = static_cast<uint64_t>(info.st_size);
    if (options_.inodes != nullptr && size > 0) TRY(options_.inodes->add(fd.get()));
    if (options_.headers_only) return {};
    if (size >= kOwnBlocks) TRY(sink_.cut(1));
    TRY(copy(fd.get(), size, path));
    TRY(sink_.append_zeros(tar_padding(size)));
    return size >= kOwnBlocks ? sink_.cut(1) : Status();
  }

  Status copy(int fd, uint64_t size, const std::string& path) {
    while (size > 0) {
      const std::span<char> to = sink_.room();
      const ssize_t got = ::read(fd, to.data(), std::min<uint64_t>(to.size(), size));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return errno_error("read /{}", path);
      if (got == 0) {
        return make_error(ErrorCode::Internal, "read /{}: it shrank while it was read", path);
      }
      size -= static_cast<uint64_t>(got);
      TRY(sink_.advance(static_cast<size_t>(got)));
      if (stop_.stop_requested()) return make_error(ErrorCode::Cancelled, "cancelled");
    }
    return {};
  }

  const TreeOptions& options_;
  TarSink& sink_;
  std::stop_token stop_;
  std::map<std::pair<dev_t, ino_t>, std::string> first_names_;  // of files with several links
  // Of deletions: the directories that we are in, while nothing in them has been written.
  std::vector<TarEntry> unwritten_;
};

}  // namespace

Status write_tree(const std::filesystem::path& directory, const TreeOptions& options, TarSink& sink,
                  std::stop_token stop) {
  const UniqueFd root = TRY(open_file(directory, O_RDONLY | O_DIRECTORY));
  return TreeWriter(options, sink, std::move(stop))
      .tree(root.get())
      .context("archive " + directory.string());
}

}  // namespace slipway::layer
