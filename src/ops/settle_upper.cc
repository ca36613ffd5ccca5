#include "ops/settle_upper.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "base/content_copy.h"
#include "layer/directory_entries.h"
#include "layer/xattr.h"
#include "ops/entry_metadata.h"

namespace slipway::ops {
namespace {

using Place = LowerView::Place;

constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
constexpr char kMetacopy[] = "trusted.overlay.metacopy";
constexpr char kRedirect[] = "trusted.overlay.redirect";
constexpr char kCapability[] = "security.capability";
constexpr char kOpaque[] = "trusted.overlay.opaque";

bool is_whiteout(const struct stat& info) {
  return S_ISCHR(info.st_mode) && info.st_rdev == 0;
}

Status remove_xattr(int fd, const char* key) {
  if (::fremovexattr(fd, key) == 0 || errno == ENODATA) return {};
  return errno_error("remove attribute {}", key);
}

Status unlink_at(int directory, const std::string& name, int flags = 0) {
  if (::unlinkat(directory, name.c_str(), flags) == 0) return {};
  return errno_error("remove {}", name);
}

// The attributes of overlayfs that an entry has.
struct Marks {
  std::vector<std::string> all;
  bool has(const char* key) const { return std::ranges::find(all, key) != all.end(); }

  static Result<Marks> of(int fd) {
    Marks marks{TRY(layer::list_xattrs(fd))};
    std::erase_if(marks.all, [](const std::string& key) { return !is_overlay_xattr(key); });
    return marks;
  }
};

// What a file in upper that has no content of its own refers to. (No directory is kept open for it:
// there are many.)
struct Reference {
  std::string directory;  // path in the merged view, "" for the root
  std::string name;
  std::optional<size_t> cache;
  struct stat info{};
  bool may_link = false;  // asked and granted
};

class Settling {
 public:
  Settling(int root, int trash, const LowerView& lower, const std::vector<CachePlace>& caches,
           const SettleRules& rules)
      : root_(root),
        trash_(trash),
        lower_(lower),
        caches_(caches),
        rules_(rules),
        outcomes_(caches.size()) {}

  // A directory of upper.
  struct Here {
    int fd;
    std::string path;             // in the merged view: "" for the root, "/a/b"
    std::optional<size_t> cache;  // whose place it is in
    // What the lower layers have at this path shows through it. Not where it was moved here, or
    // came anew after a removal, or is in a directory that was or did.
    bool shows_lower;
  };

  // `below`: what it is merged with, here or where it was moved from: then it has to be put into
  // it.
  Status directory(const Here& here, const Place& below) {
    struct stat before;
    if (::fstat(here.fd, &before) != 0) return errno_error("stat");
    std::set<std::string> present;
    for (const std::string& name : TRY(layer::directory_entries(here.fd))) {
      TRY(entry(here, below, name).context(name));
      present.insert(name);
    }
    if (!here.shows_lower && below.dir) {
      for (const std::string& name : TRY(below.dir->names())) {
        if (!present.contains(name)) TRY(bring(here, below, name).context(name));
      }
    }
    return set_times(here.fd, before);
  }

  // New files of caches that have names outside of it, or several inside.
  Status judge_new_files() {
    for (const auto& [inode, file] : new_files_) {
      if (file.names < file.links) TRY(link_outside(file.cache));
      if (file.names > 1) outcomes_[file.cache].linked_inside = true;
    }
    return {};
  }

  std::vector<store::CacheMountOutcome> take_outcomes() { return std::move(outcomes_); }

 private:
  struct NewFile {
    size_t cache;
    nlink_t links;
    nlink_t names = 0;  // seen in the cache
  };

  Status entry(const Here& here, const Place& below, const std::string& name) {
    struct stat info;
    if (::fstatat(here.fd, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      return errno_error("stat");
    }
    // In a directory that will hide all that is below, there is nothing to hide one by one.
    if (is_whiteout(info)) return here.shows_lower ? Status() : unlink_at(here.fd, name);
    note_path(here, name);
    if (S_ISDIR(info.st_mode)) return subdirectory(here, below, name);
    if (S_ISREG(info.st_mode)) return file(here, below, name, info);
    return here.cache && info.st_nlink > 1 ? link_outside(*here.cache) : Status();
  }

  Here inside(const Here& parent, int fd, const std::string& name, bool shows_lower) const {
    Here here{fd, parent.path + "/" + name, parent.cache, shows_lower};
    for (size_t i = 0; i < caches_.size(); ++i) {
      if (caches_[i].destination == here.path) here.cache = i;
    }
    return here;
  }

  Status subdirectory(const Here& parent, const Place& parent_below, const std::string& name) {
    const UniqueFd fd = TRY(open_file_at(parent.fd, name, kDirectoryFlags));
    const Marks marks = TRY(Marks::of(fd.get()));
    const bool moved = marks.has(kRedirect);
    const bool hides = moved || marks.has(kOpaque);
    const Here here = inside(parent, fd.get(), name, parent.shows_lower && !hides);
    Place below = LowerView::nowhere();
    if (moved) {
      below = TRY(moved_from(parent_below, TRY(layer::get_xattr(fd.get(), kRedirect))));
    } else if (!hides) {
      below = TRY(lower_.child(parent_below, name));
    }
    TRY(directory(here, below));
    if (moved) {
      TRY(remove_xattr(fd.get(), kRedirect));
      TRY(layer::set_xattr(fd.get(), kOpaque, "y"));
    }
    if (!here.cache) return {};
    const bool is_cache = here.cache != parent.cache;
    const bool has_to_hide = is_cache || (parent_below.dir != nullptr && parent.shows_lower);
    for (const std::string& key : marks.all) {
      if (key != kOpaque || !has_to_hide) TRY(remove_xattr(fd.get(), key.c_str()));
    }
    if (moved && !has_to_hide) TRY(remove_xattr(fd.get(), kOpaque));
    if (is_cache || !here.shows_lower || !below.dir) return {};
    return remove_if_only_a_way(parent, here, name, below);
  }

  // A directory that was copied up because of entries that are gone from upper by now.
  Status remove_if_only_a_way(const Here& parent, const Here& here, const std::string& name,
                              const Place& below) {
    if (!TRY(layer::directory_entries(here.fd)).empty()) return {};
    if (!TRY(same_metadata(here.fd, below.dir->descriptor()))) return {};
    if (::renameat(parent.fd, name.c_str(), trash_, next_discarded().c_str()) != 0) {
      return errno_error("discard {}", name);
    }
    return {};
  }

  // The file is freed with the trash, not when its last name here goes.
  Status outlive(const Here& here, const std::string& name) {
    if (::linkat(here.fd, name.c_str(), trash_, next_discarded().c_str(), 0) == 0) return {};
    return errno_error("discard {}", name);
  }

  std::string next_discarded() { return std::to_string(discarded_++); }

  // A redirect is a name in the same directory below, or a path from the root.
  Result<Place> moved_from(const Place& parent_below, const std::string& redirect) const {
    if (redirect.starts_with('/')) return lower_.at(redirect);
    return lower_.child(parent_below, redirect);
  }

  Status file(const Here& here, const Place& below, const std::string& name,
              const struct stat& info) {
    if (const auto known = unchanged_.find(info.st_ino); known != unchanged_.end()) {
      if (TRY(try_link(here, name, known->second))) return {};
    }
    const UniqueFd fd = TRY(open_file_at(here.fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
    const Marks marks = TRY(Marks::of(fd.get()));
    if (marks.has(kMetacopy)) {
      Reference reference = TRY(referred(fd.get(), marks, below, name));
      const Place directory = TRY(place_of(reference, below));
      const UniqueFd original = TRY(directory.dir->open_file(reference.name));
      if (::fstat(original.get(), &reference.info) != 0) return errno_error("stat");
      if (reference.cache && TRY(same_metadata(fd.get(), original.get()))) {
        TRY(outlive(here, name));
        if (TRY(try_link(here, name, reference))) {
          if (info.st_nlink > 1) unchanged_.insert_or_assign(info.st_ino, std::move(reference));
          return {};
        }
      }
      TRY(fill(here.fd, name, original.get()));
    }
    // A file that was copied up after it was moved still says where from.
    for (const std::string& key : marks.all) {
      if (here.cache || key == kRedirect) TRY(remove_xattr(fd.get(), key.c_str()));
    }
    return new_file(here, name, info);
  }

  // A file with several names may get one outside of its cache; between caches it is copied.
  Status new_file(const Here& here, const std::string& name, const struct stat& info) {
    if (!here.cache || info.st_nlink < 2) return {};
    const auto [file, is_first] =
        new_files_.try_emplace(info.st_ino, NewFile{*here.cache, info.st_nlink});
    if (file->second.cache != *here.cache) return separate(here, name);
    ++file->second.names;
    return {};
  }

  static Status separate(const Here& here, const std::string& name) {
    const UniqueFd from = TRY(open_file_at(here.fd, name, O_RDONLY | O_NOFOLLOW));
    TRY(unlink_at(here.fd, name));
    return copy_open_file(from.get(), here, name);
  }

  // The lower file whose content a metadata-only copy shows.
  Result<Reference> referred(int fd, const Marks& marks, const Place& below,
                             const std::string& name) {
    Reference reference{below.path, name, below.cache};
    if (marks.has(kRedirect)) {
      const std::string redirect = TRY(layer::get_xattr(fd, kRedirect));
      reference.name = redirect;
      if (redirect.starts_with('/')) {
        const PathParts parts = split_last(redirect);
        reference.directory = parts.parent == "/" ? "" : parts.parent;
        reference.name = parts.name;
      }
    }
    const Place directory = TRY(place_of(reference, below));
    reference.cache = directory.cache;
    const std::optional<MergedDir::Entry> entry = directory.dir
                                                      ? TRY(directory.dir->find(reference.name))
                                                      : std::optional<MergedDir::Entry>();
    if (entry && S_ISREG(entry->info.st_mode)) return reference;
    return make_error(ErrorCode::Internal, "it refers to {}/{}, which is no file",
                      reference.directory, reference.name);
  }

  // One directory is remembered: the files of one refer to those of another, mostly.
  Result<Place> place_of(const Reference& reference, const Place& below) {
    if (reference.directory == below.path && !below.is_hidden) return below;
    if (!last_place_ || last_place_->path != reference.directory) {
      last_place_ = TRY(lower_.at(reference.directory));
    }
    return *last_place_;
  }

  // Puts a link to a cache's file in the place of what refers to it, or nothing where the cache has
  // it anyway. False: it has to become a copy.
  Result<bool> try_link(const Here& here, const std::string& name, Reference& reference) {
    const size_t cache = *reference.cache;
    if (here.cache == cache) {
      if (here.shows_lower && reference.directory == here.path && reference.name == name) {
        TRY(unlink_at(here.fd, name));
        return true;
      }
      outcomes_[cache].linked_inside = true;
      return link_beside(here, name, reference);
    }
    // Two caches have no files in common: whoever links out of them is of one family for each.
    if (here.cache) return false;
    reference.may_link = reference.may_link || TRY(rules_.may_link(cache, reference.info));
    if (!reference.may_link) return false;
    TRY(link_outside(cache));
    return link_beside(here, name, reference);
  }

  // False where there are too many links: ext4 ends at 65,000.
  Result<bool> link_beside(const Here& here, const std::string& name, const Reference& reference) {
    const std::string beside = name.substr(0, 200) + ".slipway-link";
    const Place directory = TRY(place_of(reference, LowerView::nowhere()));
    const Status linked = directory.dir->link(reference.name, here.fd, beside);
    if (!linked && linked.error().errno_value() == EMLINK) return false;
    TRY(linked);
    if (::renameat(here.fd, beside.c_str(), here.fd, name.c_str()) != 0) {
      return errno_error("rename");
    }
    return true;
  }

  Status link_outside(size_t cache) {
    if (std::exchange(outcomes_[cache].linked_outside, true)) return {};
    return rules_.expect_links(cache);
  }

  // Turns a metadata-only copy into a whole file; all its names are names of that.
  static Status fill(int directory, const std::string& name, int original) {
    const UniqueFd fd = TRY(open_file_at(directory, name, O_RDWR | O_NOFOLLOW));
    struct stat info;
    if (::fstat(fd.get(), &info) != 0) return errno_error("stat");
    const Result<std::string> capability = layer::get_xattr(fd.get(), kCapability);
    TRY(copy_content(original, fd.get(), static_cast<uint64_t>(info.st_size)));
    // Writing drops what only an unchanged file may have.
    if (::fchmod(fd.get(), info.st_mode & 07777) != 0) return errno_error("change mode");
    if (capability) TRY(layer::set_xattr(fd.get(), kCapability, *capability));
    TRY(remove_xattr(fd.get(), kMetacopy));
    TRY(remove_xattr(fd.get(), kRedirect));
    return set_times(fd.get(), info);
  }

  // What a moved directory has below it: links where it was moved within a cache, else copies.
  Status bring(const Here& here, const Place& below, const std::string& name) {
    note_path(here, name);
    const Place child = TRY(lower_.child(below, name));
    if (!child.dir) return bring_file(here, below, name);
    if (::mkdirat(here.fd, name.c_str(), 0700) != 0) return errno_error("create directory");
    const UniqueFd fd = TRY(open_file_at(here.fd, name, kDirectoryFlags));
    const Here target = inside(here, fd.get(), name, false);
    for (const std::string& entry : TRY(child.dir->names())) {
      TRY(bring(target, child, entry).context(entry));
    }
    return copy_directory(child.dir->descriptor(), fd.get());
  }

  Status bring_file(const Here& here, const Place& below, const std::string& name) {
    const std::optional<MergedDir::Entry> entry = TRY(below.dir->find(name));
    if (!entry) return Error::from_errno(ENOENT, "find");
    const struct stat& info = entry->info;
    if (below.cache && below.cache == here.cache) {
      outcomes_[*below.cache].linked_inside = true;
      return below.dir->link(name, here.fd, name);
    }
    if (below.cache && !here.cache && S_ISREG(info.st_mode) &&
        TRY(rules_.may_link(*below.cache, info))) {
      TRY(link_outside(*below.cache));
      return below.dir->link(name, here.fd, name);
    }
    if (info.st_nlink > 1) {
      const std::string path = (here.path + "/" + name).substr(1);
      const auto [first, is_first] = brought_.try_emplace({here.cache, info.st_ino}, path);
      if (!is_first) {
        if (here.cache) outcomes_[*here.cache].linked_inside = true;
        if (::linkat(root_, first->second.c_str(), here.fd, name.c_str(), 0) == 0) return {};
        return errno_error("link");
      }
    }
    return S_ISREG(info.st_mode) ? copy_file(here, below, name)
                                 : copy_node(here, below, name, info);
  }

  static Status copy_file(const Here& here, const Place& below, const std::string& name) {
    const UniqueFd from = TRY(below.dir->open_file(name));
    return copy_open_file(from.get(), here, name);
  }

  static Status copy_open_file(int from, const Here& here, const std::string& name) {
    const UniqueFd to = TRY(open_file_at(here.fd, name, O_WRONLY | O_CREAT | O_EXCL, 0600));
    struct stat info;
    if (::fstat(from, &info) != 0) return errno_error("stat");
    TRY(copy_content(from, to.get(), static_cast<uint64_t>(info.st_size)));
    TRY(copy_metadata(from, to.get()));
    return set_times(to.get(), info);
  }

  // Symlinks, devices, pipes, sockets.
  static Status copy_node(const Here& here, const Place& below, const std::string& name,
                          const struct stat& info) {
    const int made =
        S_ISLNK(info.st_mode)
            ? ::symlinkat(TRY(below.dir->read_link(name)).c_str(), here.fd, name.c_str())
            : ::mknodat(here.fd, name.c_str(), info.st_mode, info.st_rdev);
    if (made != 0) return errno_error("create");
    if (::fchownat(here.fd, name.c_str(), info.st_uid, info.st_gid, AT_SYMLINK_NOFOLLOW) != 0) {
      return errno_error("change owner");
    }
    if (!S_ISLNK(info.st_mode) && ::fchmodat(here.fd, name.c_str(), info.st_mode & 07777, 0) != 0) {
      return errno_error("change mode");
    }
    const timespec times[2] = {info.st_atim, info.st_mtim};
    if (::utimensat(here.fd, name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) {
      return errno_error("set times");
    }
    return {};
  }

  void note_path(const Here& here, const std::string& name) {
    if (!here.cache) return;
    const std::string& root = caches_[*here.cache].destination;
    const size_t prefix = root == "/" ? 1 : root.size() + 1;
    size_t& longest = outcomes_[*here.cache].longest_path;
    longest = std::max(longest, here.path.size() + 1 + name.size() - prefix);
  }

  const int root_;  // of upper
  const int trash_;
  uint64_t discarded_ = 0;
  const LowerView& lower_;
  const std::vector<CachePlace>& caches_;
  const SettleRules& rules_;
  std::vector<store::CacheMountOutcome> outcomes_;
  // Files in upper, by inode, that differ from a cache's file in nothing but the name. (While this
  // runs no number of a removed one is given to a file that is yet to be looked at.)
  std::unordered_map<ino_t, Reference> unchanged_;
  std::optional<Place> last_place_;
  // Lower files with several names: where the first copy is, one in each cache and one elsewhere.
  std::map<std::pair<std::optional<size_t>, ino_t>, std::string> brought_;
  std::unordered_map<ino_t, NewFile> new_files_;  // of caches, with several names
};

}  // namespace

Result<std::vector<store::CacheMountOutcome>> settle_upper(
    const std::filesystem::path& upper, const std::vector<std::filesystem::path>& lower,
    const std::vector<CachePlace>& caches, const SettleRules& rules) {
  const LowerView view = TRY(LowerView::open(lower, caches));
  const UniqueFd root = TRY(open_file(upper, kDirectoryFlags));
  const Place below = TRY(view.root());
  const UniqueFd trash = TRY(open_file(rules.trash, kDirectoryFlags));
  Settling settling(root.get(), trash.get(), view, caches, rules);
  TRY(settling.directory({root.get(), "", below.cache, true}, below)
          .context("complete " + upper.string()));
  TRY(settling.judge_new_files());
  return settling.take_outcomes();
}

}  // namespace slipway::ops
