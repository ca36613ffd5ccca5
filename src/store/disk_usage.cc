#include "store/disk_usage.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <set>
#include <utility>

#include "base/unique_fd.h"

namespace slipway::store {
namespace {

class UsageWalk {
 public:
  Status add_directory(int fd) {
    const std::unique_ptr<DIR, int (*)(DIR*)> listing(::fdopendir(fd), ::closedir);
    if (!listing) {
      ::close(fd);
      return errno_error("list directory");
    }
    struct stat info;
    if (::fstat(fd, &info) == 0) add(info);
    while (const dirent* entry = ::readdir(listing.get())) {
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      TRY(add_entry(fd, entry->d_name));
    }
    return {};
  }

  const DiskUsage& usage() const { return usage_; }

 private:
  Status add_entry(int parent, const char* name) {
    struct stat info;
    if (::fstatat(parent, name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) return {};
      return errno_error("stat {}", name);
    }
    if (!S_ISDIR(info.st_mode)) {
      add(info);
      return {};
    }
    Result<UniqueFd> child = open_file_at(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!child && child.error().code() == ErrorCode::NotFound) return {};
    return add_directory(TRY(std::move(child)).release());
  }

  void add(const struct stat& info) {
    if (!S_ISDIR(info.st_mode) && info.st_nlink > 1 &&
        !linked_.emplace(info.st_dev, info.st_ino).second) {
      return;
    }
    usage_.bytes += static_cast<uint64_t>(info.st_blocks) * 512;
    ++usage_.inodes;
  }

  DiskUsage usage_;
  std::set<std::pair<dev_t, ino_t>> linked_;
};

}  // namespace

Result<DiskUsage> disk_usage(const std::filesystem::path& root) {
  UniqueFd fd = TRY(open_file(root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  UsageWalk walk;
  TRY(walk.add_directory(fd.release()).context("measure " + root.string()));
  return walk.usage();
}

}  // namespace slipway::store
