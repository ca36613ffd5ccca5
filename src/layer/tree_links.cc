#include "layer/tree_links.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/content_copy.h"
#include "base/directory_entries.h"
#include "base/file_io.h"
#include "base/unique_fd.h"
#include "layer/xattr.h"

namespace slipway::layer {
namespace {

bool is_older(const timespec& a, const timespec& b) {
  return a.tv_sec != b.tv_sec ? a.tv_sec < b.tv_sec : a.tv_nsec < b.tv_nsec;
}

class TreeLinker {
 public:
  TreeLinker(const std::filesystem::path& target, const std::set<std::string>& left_out,
             std::stop_token stop)
      : target_(target), left_out_(left_out), stop_(std::move(stop)) {}

  // `path`: of both directories below their roots, with a trailing "/"; "" is the root. `before`:
  // the time that the target's had, before anything was put into it; null: it is new.
  Status directory(int source, int target, const std::string& path, const timespec* before) {
    for (const std::string& name : TRY(directory_entries(source))) {
      if (stop_.stop_requested()) return make_error(ErrorCode::Cancelled, "cancelled");
      if (left_out_.contains(path + name)) continue;
      TRY(entry(source, target, path, name).context("/" + path + name));
    }
    // Last: filling a directory changes its time.
    return copy_metadata(source, target, before);
  }

 private:
  Status entry(int source, int target, const std::string& path, const std::string& name) {
    struct stat info;
    if (::fstatat(source, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      return errno_error("stat");
    }
    if (S_ISDIR(info.st_mode)) return subdirectory(source, target, path, name);
    const auto link = [&]() -> Status {
      if (::linkat(source, name.c_str(), target, name.c_str(), 0) == 0) return {};
      // It can have no more of them (ext4: 65,000).
      if (errno == EMLINK && S_ISREG(info.st_mode)) return copy(source, target, name);
      return errno_error("link");
    };
    Status made = link();
    if (made || made.error().errno_value() != EEXIST) return made;
    // All that leads here are real directories of ours.
    TRY(remove_tree(target_ / path / name));
    return link();
  }

  static Status copy(int source, int target, const std::string& name) {
    const UniqueFd from = TRY(open_file_at(source, name, O_RDONLY | O_NOFOLLOW));
    UniqueFd to = TRY(open_file_at(target, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
    struct stat info;
    if (::fstat(from.get(), &info) != 0) return errno_error("stat");
    TRY(copy_content(from.get(), to.get(), static_cast<uint64_t>(info.st_size)));
    TRY(copy_metadata(from.get(), to.get(), nullptr));
    return to.close();
  }

  Status subdirectory(int source, int target, const std::string& path, const std::string& name) {
    timespec time{};
    bool is_new = true;
    struct stat there;
    if (::fstatat(target, name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0) {
      is_new = !S_ISDIR(there.st_mode);
      time = there.st_mtim;
      if (is_new && ::unlinkat(target, name.c_str(), 0) != 0) return errno_error("remove");
    } else if (errno != ENOENT) {
      return errno_error("stat");
    }
    if (is_new && ::mkdirat(target, name.c_str(), 0700) != 0) {
      return errno_error("create directory");
    }
    constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
    const UniqueFd from = TRY(open_file_at(source, name, kFlags));
    const UniqueFd to = TRY(open_file_at(target, name, kFlags));
    return directory(from.get(), to.get(), path + name + "/", is_new ? nullptr : &time);
  }

  static Status copy_metadata(int source, int target, const timespec* before) {
    struct stat info;
    if (::fstat(source, &info) != 0) return errno_error("stat");
    if (::fchown(target, info.st_uid, info.st_gid) != 0) return errno_error("change owner");
    if (::fchmod(target, info.st_mode & 07777) != 0) return errno_error("change mode");
    for (const std::string& key : TRY(list_xattrs(source))) {
      TRY(set_xattr(target, key, TRY(get_xattr(source, key))));
    }
    const bool keep = before != nullptr && is_older(info.st_mtim, *before);
    const timespec times[2] = {info.st_atim, keep ? *before : info.st_mtim};
    return ::futimens(target, times) == 0 ? Status() : errno_error("set times");
  }

  const std::filesystem::path& target_;
  const std::set<std::string>& left_out_;
  const std::stop_token stop_;
};

}  // namespace

Status link_tree_over(const std::filesystem::path& source, const std::filesystem::path& target,
                      const std::set<std::string>& left_out, std::stop_token stop) {
  const UniqueFd from = TRY(open_file(source, O_RDONLY | O_DIRECTORY));
  const UniqueFd to = TRY(open_file(target, O_RDONLY | O_DIRECTORY));
  struct stat before;
  if (::fstat(to.get(), &before) != 0) return errno_error("stat {}", target.string());
  const bool is_empty = TRY(directory_entries(to.get())).empty();
  return TreeLinker(target, left_out, std::move(stop))
      .directory(from.get(), to.get(), "", is_empty ? nullptr : &before.st_mtim)
      .context("link " + source.string());
}

}  // namespace slipway::layer
