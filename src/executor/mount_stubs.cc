#include "executor/mount_stubs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

namespace slipway::executor {
namespace {

bool equal(const struct timespec& a, const struct timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

}  // namespace

Result<std::string> MountStubs::ensure(const std::string& path, Kind kind) {
  const std::string real = TRY(root_->canonical(path));
  if (real == "/") return real;
  std::string so_far;
  const std::vector<std::string> components = split(std::string_view(real).substr(1), '/');
  for (size_t i = 0; i < components.size(); ++i) {
    so_far += "/" + components[i];
    const bool last = i + 1 == components.size();
    const auto found = TRY(root_->stat_at(so_far, false));
    if (!found) {
      TRY(create(so_far, last ? kind : Kind::Directory));
    } else if (!last && !S_ISDIR(found->st_mode)) {
      return make_error(ErrorCode::InvalidInput, "create mount point {}: {} is not a directory",
                        path, so_far);
    } else if (last && S_ISDIR(found->st_mode) != (kind == Kind::Directory)) {
      return make_error(ErrorCode::InvalidInput, "mount on {}: it is {} directory in the image",
                        path, S_ISDIR(found->st_mode) ? "a" : "no");
    }
  }
  return real;
}

Status MountStubs::create(const std::string& path, Kind kind) {
  const RootDir::Parent parent = TRY(root_->open_parent(path));
  struct stat before;
  if (::fstat(parent.directory.get(), &before) != 0) return errno_error("stat parent of {}", path);
  if (kind == Kind::Directory) {
    if (::mkdirat(parent.directory.get(), parent.name.c_str(), 0755) != 0) {
      if (errno == EEXIST) return {};  // another step that shares this tree was faster
      return errno_error("create mount point {}", path);
    }
    // Whatever the umask: the step has to get through it, as whatever user.
    const UniqueFd made =
        TRY(open_file_at(parent.directory.get(), parent.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    if (::fchmod(made.get(), 0755) != 0) return errno_error("change mode of {}", path);
  } else {
    const Result<UniqueFd> file = open_file_at(parent.directory.get(), parent.name,
                                               O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644);
    if (!file && file.error().errno_value() == EEXIST) return {};
    if (!file) return Error(file.error()).context("create mount point " + path);
  }
  struct stat after;
  if (::fstat(parent.directory.get(), &after) != 0) return errno_error("stat parent of {}", path);
  created_.push_back({path, kind, before.st_mtim, after.st_mtim});
  return {};
}

void MountStubs::remove(const Created& stub) const {
  // The step may have moved or replaced parents: everything is looked up anew, inside the root.
  const Result<RootDir::Parent> parent = root_->open_parent(stub.path);
  if (!parent) return;
  const int directory = parent->directory.get();
  struct stat now;
  struct stat self;
  if (::fstat(directory, &now) != 0 ||
      ::fstatat(directory, parent->name.c_str(), &self, AT_SYMLINK_NOFOLLOW) != 0) {
    return;
  }
  if (stub.kind == Kind::File && (!S_ISREG(self.st_mode) || self.st_size != 0)) return;
  const int flags = stub.kind == Kind::Directory ? AT_REMOVEDIR : 0;
  if (::unlinkat(directory, parent->name.c_str(), flags) != 0) return;
  const bool untouched = equal(now.st_mtim, stub.parent_after);
  const struct timespec times[2] = {{0, UTIME_OMIT}, untouched ? stub.parent_before : now.st_mtim};
  (void)::utimensat(directory, ".", times, 0);  // `directory` is an O_PATH descriptor
}

MountStubs::~MountStubs() {
  for (auto stub = created_.rbegin(); stub != created_.rend(); ++stub) remove(*stub);
}

}  // namespace slipway::executor
