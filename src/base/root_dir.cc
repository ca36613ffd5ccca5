#include "base/root_dir.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <deque>

#include "base/file_io.h"
#include "base/text.h"

namespace slipway {
namespace {

constexpr int kMaxSymlinks = 40;  // as the kernel's MAXSYMLINKS

// The lookup that openat2 would do, for kernels and sandboxes without it. Walks one component at a
// time from a stack of opened directories; ".." pops, so it can never leave the first one.
class ComponentWalk {
 public:
  explicit ComponentWalk(int root) : root_(root) {}

  Result<UniqueFd> open(const std::string& path, int flags, unsigned mode) {
    push_components(path);
    while (!todo_.empty()) {
      const std::string name = std::move(todo_.front());
      todo_.pop_front();
      if (name == "..") {
        if (!stack_.empty()) stack_.pop_back();
        continue;
      }
      const bool last = todo_.empty();
      if (TRY(follow_symlink(name, last && (flags & O_NOFOLLOW) != 0))) continue;
      if (last) return open_file_at(current(), name, flags | O_NOFOLLOW, mode);
      stack_.push_back(TRY(open_file_at(current(), name, O_PATH | O_DIRECTORY | O_NOFOLLOW)));
    }
    return open_file_at(current(), ".", flags & ~(O_CREAT | O_EXCL), mode);
  }

 private:
  int current() const { return stack_.empty() ? root_ : stack_.back().get(); }

  void push_components(const std::string& path) {
    std::vector<std::string> names = split(path, '/');
    for (auto name = names.rbegin(); name != names.rend(); ++name) {
      if (!name->empty() && *name != ".") todo_.push_front(std::move(*name));
    }
  }

  // True when `name` was a symlink and its target now stands in its place.
  Result<bool> follow_symlink(const std::string& name, bool keep) {
    struct stat info;
    if (::fstatat(current(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT && todo_.empty()) return false;
      return errno_error("look up {}", name);
    }
    if (!S_ISLNK(info.st_mode) || keep) return false;
    if (++symlinks_ > kMaxSymlinks) return Error::from_errno(ELOOP, "look up " + name);
    std::string target(PATH_MAX, '\0');
    const ssize_t length = ::readlinkat(current(), name.c_str(), target.data(), target.size());
    if (length < 0) return errno_error("read link {}", name);
    target.resize(static_cast<size_t>(length));
    if (target.starts_with('/')) stack_.clear();
    push_components(target);
    return true;
  }

  int root_;
  int symlinks_ = 0;
  std::vector<UniqueFd> stack_;
  std::deque<std::string> todo_;
};

}  // namespace

Result<RootDir> RootDir::open(const std::filesystem::path& path) {
  return RootDir(TRY(open_file(path, O_PATH | O_DIRECTORY)));
}

Result<UniqueFd> RootDir::open_at(const std::string& path, int flags, unsigned mode) const {
  open_how how{};
  how.flags = static_cast<unsigned>(flags) | O_CLOEXEC;
  how.mode = (flags & (O_CREAT | __O_TMPFILE)) != 0 ? mode : 0;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  const std::string name = path.empty() ? "." : path;
  for (int tries = 0; tries < 100; ++tries) {
    UniqueFd fd(
        static_cast<int>(::syscall(SYS_openat2, fd_.get(), name.c_str(), &how, sizeof how)));
    if (fd) return fd;
    // EAGAIN: a rename raced with the lookup of a "..": the kernel asks to try again.
    if (errno != EAGAIN && errno != EINTR) break;
  }
  // ENOSYS: Linux before 5.6. EPERM: seccomp filters older than the call answer so; a genuine EPERM
  // of the lookup repeats in the walk.
  if (errno != ENOSYS && errno != EPERM) return errno_error("open {}", path);
  return ComponentWalk(fd_.get()).open(path, flags, mode).context("open " + path);
}

Result<std::optional<struct stat>> RootDir::stat_at(const std::string& path, bool follow) const {
  Result<UniqueFd> fd = open_at(path, O_PATH | (follow ? 0 : O_NOFOLLOW));
  if (!fd) {
    if (fd.error().code() == ErrorCode::NotFound) return std::optional<struct stat>();
    return std::move(fd).error();
  }
  struct stat info;
  if (::fstat(fd->get(), &info) != 0) return errno_error("stat {}", path);
  return std::optional<struct stat>(info);
}

Result<std::string> RootDir::read_link(const std::string& path) const {
  const UniqueFd fd = TRY(open_at(path, O_PATH | O_NOFOLLOW));
  std::string target(PATH_MAX, '\0');
  const ssize_t length = ::readlinkat(fd.get(), "", target.data(), target.size());
  if (length < 0) return errno_error("read link {}", path);
  target.resize(static_cast<size_t>(length));
  return target;
}

Result<std::string> RootDir::read_file(const std::string& path, size_t max_bytes) const {
  const UniqueFd fd = TRY(open_at(path, O_RDONLY | O_NONBLOCK));
  return read_fd(fd.get(), max_bytes).context("read " + path);
}

Result<RootDir::Parent> RootDir::open_parent(const std::string& path) const {
  std::string clean = path;
  while (clean.size() > 1 && clean.ends_with('/')) clean.pop_back();
  const size_t slash = clean.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : clean.substr(0, slash + 1);
  const std::string name = slash == std::string::npos ? clean : clean.substr(slash + 1);
  if (name.empty() || name == "." || name == "..") {
    return make_error(ErrorCode::InvalidInput, "path \"{}\" names no entry of a directory", path);
  }
  return Parent{TRY(open_at(directory, O_PATH | O_DIRECTORY)), name};
}

Result<UniqueFd> RootDir::make_directories(const std::string& path, unsigned mode, uid_t uid,
                                           gid_t gid) const {
  // Of the canonical path no component is a symlink; O_NOFOLLOW holds us to that.
  const std::string real = TRY(canonical(path));
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
  UniqueFd directory = TRY(open_at("/", O_RDONLY | O_DIRECTORY));
  for (const std::string& name : split(real, '/')) {
    if (name.empty()) continue;
    Result<UniqueFd> next = open_file_at(directory.get(), name, kFlags);
    if (!next && next.error().errno_value() == ENOENT) {
      if (::mkdirat(directory.get(), name.c_str(), mode) != 0 && errno != EEXIST) {
        return errno_error("create directory {}", path);
      }
      next = open_file_at(directory.get(), name, kFlags);
      if (!next) return std::move(next).error();
      if (::fchown(next->get(), uid, gid) != 0) return errno_error("change owner of {}", path);
      if (::fchmod(next->get(), mode) != 0) return errno_error("change mode of {}", path);
    }
    if (!next) return std::move(next).error().context("create directory " + path);
    directory = *std::move(next);
  }
  return directory;
}

Result<std::string> RootDir::canonical(const std::string& path) const {
  std::deque<std::string> todo;
  const auto push = [&todo](const std::string& text) {
    std::vector<std::string> names = split(text, '/');
    for (auto name = names.rbegin(); name != names.rend(); ++name) {
      if (!name->empty() && *name != ".") todo.push_front(std::move(*name));
    }
  };
  push(path);
  std::vector<std::string> real;
  int symlinks = 0;
  while (!todo.empty()) {
    const std::string name = std::move(todo.front());
    todo.pop_front();
    if (name == "..") {
      if (!real.empty()) real.pop_back();
      continue;
    }
    real.push_back(name);
    const std::string here = "/" + join(real, "/");
    const std::optional<struct stat> info = TRY(stat_at(here, false));
    if (!info || !S_ISLNK(info->st_mode)) continue;
    if (++symlinks > kMaxSymlinks) return Error::from_errno(ELOOP, "look up " + path);
    const std::string target = TRY(read_link(here));
    real.pop_back();
    if (target.starts_with('/')) real.clear();
    push(target);
  }
  return "/" + join(real, "/");
}

}  // namespace slipway
