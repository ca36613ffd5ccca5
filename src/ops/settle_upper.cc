#include "ops/settle_upper.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdio>
#include <map>
#include <set>
#include <unordered_map>

#include "base/content_copy.h"
#include "base/directory_entries.h"
#include "base/overlayfs.h"
#include "layer/xattr.h"
#include "ops/cache_names.h"
#include "ops/entry_metadata.h"
#include "ops/exact_copy.h"
#include "ops/upper_references.h"

namespace slipway::ops {
namespace {

using Place = LowerView::Place;

constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
constexpr char kCapability[] = "security.capability";
constexpr const char* kOpaque = opaque_xattr(false);

Status remove_xattr(int fd, const char* key) {
  if (::fremovexattr(fd, key) == 0 || errno == ENODATA) return {};
  return errno_error("remove attribute {}", key);
}

Status unlink_at(int directory, const std::string& name, int flags = 0) {
  if (::unlinkat(directory, name.c_str(), flags) == 0) return {};
  return errno_error("remove {}", name);
}

class Settling {
 public:
  Settling(int root, int trash, const LowerView& lower, const std::vector<CachePlace>& caches,
           const SettleRules& rules)
      : root_(root),
        trash_(trash),
        lower_(lower),
        references_(lower),
        caches_(caches),
        rules_(rules),
        names_(caches.size(), rules.expect_links) {}

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
    for (const std::string& name : TRY(directory_entries(here.fd))) {
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

  // When everything is whole. Call once.
  Result<std::vector<store::CacheMountOutcome>> outcomes() { return names_.judge(root_); }

 private:
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
    return here.cache && info.st_nlink > 1 ? names_.add_outside(*here.cache) : Status();
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
    const OverlayMarks marks = TRY(OverlayMarks::of(fd.get()));
    const bool moved = marks.has(kRedirect);
    const bool hides = moved || marks.has(kOpaque);
    const Here here = inside(parent, fd.get(), name, parent.shows_lower && !hides);
    Place below = LowerView::nowhere();
    if (moved) {
      below = TRY(references_.directory(fd.get(), parent_below));
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
    if (!TRY(directory_entries(here.fd)).empty()) return {};
    if (!TRY(same_metadata(here.fd, below.dir->descriptor()))) return {};
    if (::renameat(parent.fd, name.c_str(), trash_, next_discarded().c_str()) != 0) {
      return errno_error("discard {}", name);
    }
    return {};
  }

  std::string next_discarded() { return std::to_string(discarded_++); }

  Status file(const Here& here, const Place& below, const std::string& name,
              const struct stat& info) {
    if (const auto known = unchanged_.find(info.st_ino); known != unchanged_.end()) {
      if (TRY(try_link(here, name, info, known->second))) return {};
    }
    const UniqueFd fd = TRY(open_file_at(here.fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
    const OverlayMarks marks = TRY(OverlayMarks::of(fd.get()));
    if (marks.has(kMetacopy)) {
      FileReference reference = TRY(references_.file(fd.get(), marks, below, name));
      const Place directory = TRY(references_.place_of(reference));
      const UniqueFd original = TRY(directory.dir->open_file(reference.name));
      if (reference.cache && TRY(same_metadata(fd.get(), original.get()))) {
        const bool linked = TRY(try_link(here, name, info, reference));
        if (info.st_nlink > 1) unchanged_.insert_or_assign(info.st_ino, std::move(reference));
        if (linked) return {};
      }
      TRY(fill(here.fd, name, original.get()));
    }
    // A file that was copied up after it was moved still says where from.
    for (const std::string& key : marks.all) {
      if (here.cache || key == kRedirect) TRY(remove_xattr(fd.get(), key.c_str()));
    }
    // A file with several names may get one outside of its cache; between caches it is copied.
    if (!here.cache || info.st_nlink < 2) return {};
    if (names_.add_upper(*here.cache, info.st_ino, info.st_nlink)) return {};
    TRY(unlink_at(here.fd, name));
    names_.remove_upper(info.st_ino);
    return copy_open_file(fd.get(), here.fd, name);
  }

  // Puts a link to a cache's file in the place of what refers to it, or nothing where the cache
  // shows it there anyway. False: it has to become a copy.
  Result<bool> try_link(const Here& here, const std::string& name, const struct stat& info,
                        FileReference& reference) {
    const size_t cache = *reference.cache;
    if (here.cache == cache) {
      if (here.shows_lower && reference.directory == here.path && reference.name == name) {
        TRY(discard(here, name, info));
        return true;
      }
      if (!TRY(replace(here, name, info, reference))) return false;
      names_.add_lower(cache, reference.info.st_ino, reference.directory, reference.name);
      return true;
    }
    // Two caches have no files in common: whoever links out of them is of one family for each.
    if (here.cache) return false;
    reference.may_link = reference.may_link || TRY(rules_.may_link(cache, reference.info));
    if (!reference.may_link) return false;
    TRY(names_.add_outside(cache));
    return replace(here, name, info, reference);
  }

  // The last name of a file goes to the trash: it is freed there.
  Status discard(const Here& here, const std::string& name, const struct stat& info) {
    names_.remove_upper(info.st_ino);
    if (info.st_nlink > 1) return unlink_at(here.fd, name);
    if (::renameat(here.fd, name.c_str(), trash_, next_discarded().c_str()) == 0) return {};
    return errno_error("discard {}", name);
  }

  // False where the file has as many links as it can: 65,000 on ext4.
  Result<bool> replace(const Here& here, const std::string& name, const struct stat& info,
                       const FileReference& reference) {
    const Place directory = TRY(references_.place_of(reference));
    const std::string link = next_discarded();
    const Status linked = directory.dir->link(reference.name, trash_, link);
    if (!linked && linked.error().errno_value() == EMLINK) return false;
    TRY(linked);
    const unsigned flags = info.st_nlink > 1 ? 0 : RENAME_EXCHANGE;  // see discard()
    if (::renameat2(trash_, link.c_str(), here.fd, name.c_str(), flags) != 0) {
      return errno_error("replace {}", name);
    }
    names_.remove_upper(info.st_ino);
    return true;
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
    if (TRY(bring_link(here, below, name, info))) return {};
    if (info.st_nlink > 1 && TRY(link_to_brought(here, name, info))) return {};
    if (!S_ISREG(info.st_mode)) return copy_node(entry->directory, name, info, here.fd);
    const UniqueFd from = TRY(below.dir->open_file(name));
    return copy_open_file(from.get(), here.fd, name);
  }

  // False: it has to become a copy.
  Result<bool> bring_link(const Here& here, const Place& below, const std::string& name,
                          const struct stat& info) {
    if (!below.cache) return false;
    const bool stays_in = below.cache == here.cache;
    if (!stays_in) {
      if (here.cache || !S_ISREG(info.st_mode) || !TRY(rules_.may_link(*below.cache, info))) {
        return false;
      }
      TRY(names_.add_outside(*below.cache));
    }
    const Status linked = below.dir->link(name, here.fd, name);
    if (!linked && linked.error().errno_value() == EMLINK) return false;
    TRY(linked);
    if (stays_in) names_.add_lower(*below.cache, info.st_ino, below.path, name);
    return true;
  }

  // What was one file below is one again. False: it has yet to be copied.
  Result<bool> link_to_brought(const Here& here, const std::string& name, const struct stat& info) {
    const std::string path = (here.path + "/" + name).substr(1);
    const auto [first, is_first] = brought_.try_emplace({here.cache, info.st_ino}, path);
    if (is_first) return false;
    if (::linkat(root_, first->second.c_str(), here.fd, name.c_str(), 0) == 0) {
      if (here.cache) names_.add_inside(*here.cache);
      return true;
    }
    if (errno != EMLINK) return errno_error("link to {}", first->second);
    first->second = path;
    return false;
  }

  void note_path(const Here& here, const std::string& name) {
    if (!here.cache) return;
    const std::string& root = caches_[*here.cache].destination;
    const size_t prefix = root == "/" ? 1 : root.size() + 1;
    names_.note_path(*here.cache, here.path.size() + 1 + name.size() - prefix);
  }

  const int root_;  // of upper
  const int trash_;
  uint64_t discarded_ = 0;
  const LowerView& lower_;
  UpperReferences references_;
  const std::vector<CachePlace>& caches_;
  const SettleRules& rules_;
  CacheNames names_;
  // Files in upper, by inode, that differ from a cache's file in nothing but the name. (While this
  // runs no number of a removed one is given to a file that is yet to be looked at.)
  std::unordered_map<ino_t, FileReference> unchanged_;
  // Lower files with several names: where the first copy is, one in each cache and one elsewhere.
  std::map<std::pair<std::optional<size_t>, ino_t>, std::string> brought_;
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
  return settling.outcomes();
}

}  // namespace slipway::ops
