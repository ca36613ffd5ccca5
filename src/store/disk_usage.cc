#include "store/disk_usage.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>
#include <map>
#include <memory>

#include "base/unique_fd.h"

namespace slipway::store {
namespace {

using Visit = std::function<void(const struct stat&)>;

// Every entry, the root included.
class TreeWalk {
 public:
  explicit TreeWalk(Visit visit) : visit_(std::move(visit)) {}

  Status add_directory(UniqueFd directory) {
    const int fd = directory.get();
    const std::unique_ptr<DIR, int (*)(DIR*)> listing(::fdopendir(fd), ::closedir);
    if (!listing) return errno_error("list directory");
    (void)directory.release();  // the listing's now
    struct stat info;
    if (::fstat(fd, &info) == 0) visit_(info);
    while (const dirent* entry = ::readdir(listing.get())) {
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      TRY(add_entry(fd, entry->d_name));
    }
    return {};
  }

 private:
  Status add_entry(int parent, const char* name) {
    struct stat info;
    if (::fstatat(parent, name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) return {};
      return errno_error("stat {}", name);
    }
    if (!S_ISDIR(info.st_mode)) {
      visit_(info);
      return {};
    }
    Result<UniqueFd> child = open_file_at(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!child && child.error().code() == ErrorCode::NotFound) return {};
    return add_directory(TRY(std::move(child)));
  }

  const Visit visit_;
};

Status walk(const std::filesystem::path& root, Visit visit) {
  UniqueFd fd = TRY(open_file(root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  return TreeWalk(std::move(visit))
      .add_directory(std::move(fd))
      .context("measure " + root.string());
}

uint64_t blocks_of(const struct stat& info) {
  return static_cast<uint64_t>(info.st_blocks) * 512;
}

}  // namespace

Result<DiskUsage> DiskMeter::measure(const std::filesystem::path& root) {
  struct Links {
    nlink_t met = 0;
    nlink_t all = 0;
    uint64_t bytes = 0;
  };
  DiskUsage usage;
  std::map<Inode, Links> linked;
  TRY(walk(root, [&](const struct stat& info) {
    if (!S_ISDIR(info.st_mode) && info.st_nlink > 1) {
      Links& links = linked[{info.st_dev, info.st_ino}];
      links.all = info.st_nlink;
      links.bytes = blocks_of(info);
      if (++links.met > 1 || !counted_.emplace(info.st_dev, info.st_ino).second) return;
    }
    usage.bytes += blocks_of(info);
    ++usage.inodes;
  }));
  for (const auto& [inode, links] : linked) {
    if (links.met >= links.all) continue;
    usage.elsewhere_bytes += links.bytes;
    ++usage.elsewhere_inodes;
  }
  return usage;
}

Result<DiskUsage> disk_usage(const std::filesystem::path& root) {
  return DiskMeter().measure(root);
}

}  // namespace slipway::store
