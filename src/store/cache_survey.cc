#include "store/cache_survey.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <algorithm>
#include <memory>
#include <string>
#include <unordered_set>

#include "base/unique_fd.h"

namespace slipway::store {
namespace {

constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

bool has_overlay_attributes(int fd) {
  char names[65536];
  const ssize_t length = ::flistxattr(fd, names, sizeof names);
  if (length <= 0) return false;
  return std::string_view(names, static_cast<size_t>(length)).find("trusted.overlay.") !=
         std::string_view::npos;
}

class Survey {
 public:
  // `is_root`: the mark of the cache's own directory is ours (docs/cache-mounts.md).
  Status directory(UniqueFd fd, size_t prefix, bool is_root) {
    if (!is_root && has_overlay_attributes(fd.get())) result_.fits_overlay = false;
    const std::unique_ptr<DIR, int (*)(DIR*)> listing(::fdopendir(fd.get()), ::closedir);
    if (!listing) return errno_error("list directory");
    const int own = fd.release();  // the listing's now
    while (const dirent* entry = ::readdir(listing.get())) {
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      if (!result_.fits_overlay) return {};
      TRY(add(own, entry->d_name, prefix + name.size()));
    }
    return {};
  }

  const CacheSurvey& result() const { return result_; }

 private:
  Status add(int parent, const char* name, size_t length) {
    result_.longest_path = std::max(result_.longest_path, length);
    struct stat info;
    if (::fstatat(parent, name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
      return errno_error("stat {}", name);
    }
    if (S_ISDIR(info.st_mode)) {
      return directory(TRY(open_file_at(parent, name, kDirectoryFlags)), length + 1, false);
    }
    if (S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode)) result_.fits_overlay = false;
    if (info.st_nlink > 1 && !linked_.insert(info.st_ino).second) result_.fits_overlay = false;
    if (!S_ISREG(info.st_mode)) return {};
    const UniqueFd fd = TRY(open_file_at(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
    if (has_overlay_attributes(fd.get())) result_.fits_overlay = false;
    return {};
  }

  CacheSurvey result_;
  std::unordered_set<ino_t> linked_;
};

}  // namespace

Result<CacheSurvey> survey_cache(const std::filesystem::path& directory) {
  UniqueFd fd = TRY(open_file(directory, kDirectoryFlags));
  Survey survey;
  TRY(survey.directory(std::move(fd), 0, true).context("survey " + directory.string()));
  return survey.result();
}

}  // namespace slipway::store
