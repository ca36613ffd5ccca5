#include "ops/cache_wrapper.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/directory_entries.h"
#include "base/overlayfs.h"
#include "base/text.h"
#include "layer/overlay_entry.h"
#include "layer/xattr.h"
#include "ops/entry_metadata.h"
#include "ops/file_target.h"

namespace slipway::ops {
namespace {

constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

std::vector<std::string> names_of(const std::string& path) {
  std::vector<std::string> names = split(path, '/');
  std::erase(names, std::string());
  return names;
}

Result<UniqueFd> make_directory(int parent, const std::string& name) {
  if (::mkdirat(parent, name.c_str(), 0700) != 0) return errno_error("create directory {}", name);
  return open_file_at(parent, name, kDirectoryFlags);
}

// A directory that the image lacks, like all that is made for mount points. The time is one that
// other wrappers of the step give it too.
Status finish_made(const Tree& image, int directory) {
  if (::fchmod(directory, 0755) != 0) return errno_error("change mode");
  struct stat info{};
  const int root = image.root()->descriptor();
  if (root >= 0 && ::fstat(root, &info) != 0) return errno_error("stat");
  return set_times(directory, info);
}

Status set_opaque(int directory) {
  return layer::set_xattr(directory, opaque_xattr(false), "y");
}

}  // namespace

Result<CacheWrapper> CacheWrapper::create(const Tree& image, const std::string& destination,
                                          const std::filesystem::path& cache,
                                          const std::filesystem::path& path) {
  CacheWrapper wrapper(destination, cache, path);
  TRY(wrapper.make_way(image, names_of(destination)).context("place cache at " + destination));
  return wrapper;
}

Status CacheWrapper::make_way(const Tree& image, std::vector<std::string> names) {
  const UniqueFd root = TRY(make_directory(AT_FDCWD, path_.string()));
  const std::string cache_name = cache_.filename();
  // What would show in the root directory of the step: the layer below starts there.
  if (::mknodat(root.get(), cache_name.c_str(), S_IFCHR, 0) != 0) return errno_error("hide cache");
  const std::string last = std::move(names.back());
  names.pop_back();

  struct Made {
    UniqueFd fd;
    std::shared_ptr<const MergedDir> original;  // co-owned with nobody; nullptr: the image has none
  };
  std::vector<Made> way;
  std::shared_ptr<const MergedDir> here = image.root();
  int parent = root.get();
  for (const std::string& name : names) {
    if (here) {
      const std::optional<MergedDir::Entry> entry = TRY(here->find(name));
      here = entry ? TRY(here->child(name)) : nullptr;
    }
    if (here) ++parents_in_image_;
    way.push_back({TRY(make_directory(parent, name)), here});
    parent = way.back().fd.get();
  }
  TRY(place_cache(parent, last));
  // From the innermost: filling a directory changes its time.
  for (auto made = way.rbegin(); made != way.rend(); ++made) {
    if (made->original) {
      TRY(copy_directory(made->original->descriptor(), made->fd.get()));
    } else {
      TRY(finish_made(image, made->fd.get()));
    }
  }
  return {};
}

Status CacheWrapper::place_cache(int parent, const std::string& name) const {
  const UniqueFd cache = TRY(open_file(cache_, kDirectoryFlags));
  // What lies below by the same path is no part of it.
  TRY(set_opaque(cache.get()));
  const UniqueFd place = TRY(make_directory(parent, name));
  TRY(layer::set_xattr(place.get(), "trusted.overlay.redirect", "/" + cache_.filename().string()));
  return copy_directory(cache.get(), place.get());
}

// One cache's changes on their way out of an upper directory.
class CacheWrapper::Extraction {
 public:
  Extraction(const CacheWrapper& wrapper, const std::filesystem::path& upper,
             const std::filesystem::path& changes)
      : wrapper_(wrapper),
        upper_(upper),
        changes_(changes),
        names_(names_of(wrapper.destination_)) {}

  Result<bool> run() {
    TRY(descend());
    switch (found_) {
      case Found::Nothing:
        return false;
      case Found::Changes:
        TRY(move_out());
        break;
      case Found::Removal:
        TRY(empty_changes());
        TRY(clear_place());
        break;
    }
    TRY(remove_way());
    return true;
  }

 private:
  enum class Found {
    Nothing,
    Changes,  // a directory at the destination
    Removal,  // the step removed or replaced it, or a directory above it
  };

  // Opens the directories above the destination as far as upper has them.
  Status descend() {
    opened_.push_back(TRY(open_file(upper_, kDirectoryFlags)));
    bool hidden = false;
    for (size_t i = 0; i < names_.size(); ++i) {
      struct stat info;
      if (::fstatat(opened_.back().get(), names_[i].c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno != ENOENT) return errno_error("stat");
        found_ = hidden ? Found::Removal : Found::Nothing;
        return {};
      }
      if (!S_ISDIR(info.st_mode)) {
        found_ = Found::Removal;
        blocked_ = true;
        return {};
      }
      if (i + 1 == names_.size()) break;
      opened_.push_back(TRY(open_file_at(opened_.back().get(), names_[i], kDirectoryFlags)));
      hidden = hidden || TRY(entries_.is_opaque(opened_.back().get()));
    }
    found_ = Found::Changes;
    if (!hidden) return {};
    // In a directory that hides the lower ones, it needs no mark of its own; alone it does.
    const UniqueFd fd = TRY(open_file_at(opened_.back().get(), names_.back(), kDirectoryFlags));
    return set_opaque(fd.get());
  }

  Status move_out() {
    const KeepTimes keep(opened_.back().get());
    if (::renameat(opened_.back().get(), names_.back().c_str(), AT_FDCWD, changes_.c_str()) != 0) {
      return errno_error("take changes of the cache");
    }
    return keep.restore();
  }

  Status empty_changes() const {
    const UniqueFd cache = TRY(open_file(wrapper_.cache_, kDirectoryFlags));
    const UniqueFd fd = TRY(make_directory(AT_FDCWD, changes_.string()));
    TRY(set_opaque(fd.get()));
    return copy_directory(cache.get(), fd.get());
  }

  // What the step put in the place of the cache, or of a directory that only we had put there.
  Status clear_place() {
    if (!blocked_) return {};
    const size_t depth = opened_.size() - 1;  // of the name that is no directory
    const bool is_place = depth + 1 == names_.size();
    struct stat info;
    if (::fstatat(opened_.back().get(), names_[depth].c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      return errno_error("stat");
    }
    const bool is_whiteout = TRY(entries_.is_whiteout(opened_.back().get(), names_[depth], info));
    const bool was_ours = is_whiteout && depth >= wrapper_.parents_in_image_;
    if (!is_place && !was_ours) return {};
    const KeepTimes keep(opened_.back().get());
    TRY(remove_entry(opened_.back().get(), names_[depth]));
    return keep.restore();
  }

  // Directories that hold nothing and are as they were: overlayfs made them to reach the cache.
  Status remove_way() {
    std::vector<UniqueFd> originals;
    originals.push_back(TRY(open_file(wrapper_.path_, kDirectoryFlags)));
    for (size_t i = 0; i + 1 < opened_.size(); ++i) {
      originals.push_back(TRY(open_file_at(originals.back().get(), names_[i], kDirectoryFlags)));
    }
    for (size_t i = opened_.size() - 1; i > 0; --i) {
      const int fd = opened_[i].get();
      if (!TRY(directory_entries(fd)).empty() || TRY(entries_.is_opaque(fd)) ||
          !TRY(same_metadata(fd, originals[i].get()))) {
        return {};
      }
      const KeepTimes keep(opened_[i - 1].get());
      if (::unlinkat(opened_[i - 1].get(), names_[i - 1].c_str(), AT_REMOVEDIR) != 0) {
        return errno_error("remove {}", names_[i - 1]);
      }
      TRY(keep.restore());
    }
    return {};
  }

  class KeepTimes {
   public:
    explicit KeepTimes(int directory) : directory_(directory) { (void)::fstat(directory, &info_); }
    Status restore() const { return set_times(directory_, info_); }

   private:
    int directory_;
    struct stat info_{};
  };

  const CacheWrapper& wrapper_;
  const std::filesystem::path upper_;
  const std::filesystem::path changes_;
  const std::vector<std::string> names_;
  const layer::OverlayEntries entries_{false};
  std::vector<UniqueFd> opened_;  // of upper: its root, then names_[0], ...
  Found found_ = Found::Nothing;
  bool blocked_ = false;  // something that is no directory stands in the way
};

Result<bool> CacheWrapper::take_changes(const std::filesystem::path& upper,
                                        const std::filesystem::path& changes) const {
  return Extraction(*this, upper, changes).run().context("take the changes of " + destination_);
}

}  // namespace slipway::ops
