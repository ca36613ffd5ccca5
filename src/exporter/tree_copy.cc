#include "exporter/tree_copy.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "base/content_copy.h"
#include "base/directory_entries.h"
#include "base/file_io.h"
#include "base/unique_fd.h"

namespace slipway::exporter {
namespace {

Status remove_entry(int directory, const std::string& name) {
  if (::unlinkat(directory, name.c_str(), 0) == 0 || errno == ENOENT) return {};
  if (errno != EISDIR && errno != EPERM) return errno_error("remove {}", name);
  {
    const UniqueFd fd = TRY(open_file_at(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    for (const std::string& child : TRY(directory_entries(fd.get()))) {
      TRY(remove_entry(fd.get(), child));
    }
  }
  if (::unlinkat(directory, name.c_str(), AT_REMOVEDIR) != 0) return errno_error("remove {}", name);
  return {};
}

class TreeCopy {
 public:
  TreeCopy(int to_root, const TreeCopyOptions& options, std::stop_token stop)
      : to_root_(to_root), options_(options), stop_(std::move(stop)) {}

  Status directory(int from, int to, const std::string& path) {
    const std::vector<std::string> names = TRY(directory_entries(from));
    if (options_.delete_others) {
      for (const std::string& name : TRY(directory_entries(to))) {
        if (!std::ranges::binary_search(names, name)) TRY(remove_entry(to, name));
      }
    }
    for (const std::string& name : names) {
      if (stop_.stop_requested()) return make_error(ErrorCode::Cancelled, "cancelled");
      TRY(entry(from, to, name, path + name).context("export /" + path + name));
    }
    return {};
  }

 private:
  Status entry(int from, int to, const std::string& name, const std::string& path) {
    struct stat info;
    if (::fstatat(from, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return errno_error("stat");
    if (S_ISDIR(info.st_mode)) return subdirectory(from, to, name, path, info);
    if (S_ISSOCK(info.st_mode)) return {};
    TRY(remove_entry(to, name));
    if (info.st_nlink > 1) {
      const auto [first, inserted] = first_names_.try_emplace({info.st_dev, info.st_ino}, path);
      if (!inserted) {
        if (::linkat(to_root_, first->second.c_str(), to, name.c_str(), 0) != 0) {
          return errno_error("link");
        }
        return {};
      }
    }
    if (S_ISREG(info.st_mode)) return file(from, to, name, info);
    if (S_ISLNK(info.st_mode)) {
      const std::string target = TRY(read_link(from, name));
      if (::symlinkat(target.c_str(), to, name.c_str()) != 0) return errno_error("create symlink");
      return set_time(to, name, info);
    }
    if (::mknodat(to, name.c_str(), info.st_mode, info.st_rdev) != 0) {
      if (errno == EPERM && !S_ISFIFO(info.st_mode) && options_.warn) {
        options_.warn("device /" + path + " is left out: only root can make devices");
        return {};
      }
      return errno_error("create device");
    }
    return set_time(to, name, info);
  }

  Status subdirectory(int from, int to, const std::string& name, const std::string& path,
                      const struct stat& info) {
    if (::mkdirat(to, name.c_str(), 0700) != 0) {
      if (errno != EEXIST) return errno_error("create directory");
      struct stat there;
      if (::fstatat(to, name.c_str(), &there, AT_SYMLINK_NOFOLLOW) != 0) return errno_error("stat");
      if (!S_ISDIR(there.st_mode)) {
        TRY(remove_entry(to, name));
        if (::mkdirat(to, name.c_str(), 0700) != 0) return errno_error("create directory");
      }
    }
    constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
    const UniqueFd source = TRY(open_file_at(from, name, kFlags));
    const UniqueFd target = TRY(open_file_at(to, name, kFlags));
    TRY(directory(source.get(), target.get(), path + "/"));
    if (::fchmod(target.get(), info.st_mode & 07777) != 0) return errno_error("change mode");
    return set_time(to, name, info);
  }

  Status file(int from, int to, const std::string& name, const struct stat& info) {
    const UniqueFd source = TRY(open_file_at(from, name, O_RDONLY | O_NOFOLLOW));
    UniqueFd target = TRY(open_file_at(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
    TRY(copy_content(source.get(), target.get(), static_cast<uint64_t>(info.st_size)));
    if (::fchmod(target.get(), info.st_mode & 07777) != 0) return errno_error("change mode");
    TRY(target.close());
    return set_time(to, name, info);
  }

  Status set_time(int to, const std::string& name, const struct stat& info) {
    timespec time = info.st_mtim;
    if (options_.mtime) time = {static_cast<time_t>(*options_.mtime), 0};
    const timespec times[2] = {time, time};
    if (::utimensat(to, name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) {
      return errno_error("set times");
    }
    return {};
  }

  const int to_root_;
  const TreeCopyOptions& options_;
  const std::stop_token stop_;
  std::map<std::pair<dev_t, ino_t>, std::string> first_names_;  // of files with several links
};

}  // namespace

Status copy_tree_out(const std::filesystem::path& from, const std::filesystem::path& to,
                     const TreeCopyOptions& options, std::stop_token stop) {
  TRY(make_directories(to));
  const UniqueFd source = TRY(open_file(from, O_RDONLY | O_DIRECTORY));
  const UniqueFd target = TRY(open_file(to, O_RDONLY | O_DIRECTORY));
  return TreeCopy(target.get(), options, std::move(stop)).directory(source.get(), target.get(), "");
}

}  // namespace slipway::exporter
