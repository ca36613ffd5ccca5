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

bool has_links(const struct stat& info) {
  return !S_ISDIR(info.st_mode) && info.st_nlink > 1;
}

void add(DiskUsage& usage, const struct stat& info) {
  usage.bytes += static_cast<uint64_t>(info.st_blocks) * 512;
  ++usage.inodes;
}

}  // namespace

Result<DiskUsage> DiskMeter::measure(const std::filesystem::path& root) {
  DiskUsage usage;
  TRY(walk(root, [&](const struct stat& info) {
    if (has_links(info) && !counted_.emplace(info.st_dev, info.st_ino).second) return;
    add(usage, info);
  }));
  return usage;
}

Result<DiskUsage> disk_usage(const std::filesystem::path& root) {
  return DiskMeter().measure(root);
}

Result<DiskUsage> removable_usage(const std::filesystem::path& root) {
  DiskUsage usage;
  std::map<std::pair<dev_t, ino_t>, nlink_t> met;
  TRY(walk(root, [&](const struct stat& info) {
    // The last of a file's links makes it go.
    if (has_links(info) && ++met[{info.st_dev, info.st_ino}] < info.st_nlink) return;
    add(usage, info);
  }));
  return usage;
}

}  // namespace slipway::store
