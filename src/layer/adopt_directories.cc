#include <fcntl.h>
#include <sys/stat.h>

#include "base/overlayfs.h"
#include "base/root_dir.h"
#include "base/text.h"
#include "layer/diff.h"
#include "layer/xattr.h"

namespace slipway::layer {
namespace {

// What one lower layer says about a path.
struct Sight {
  UniqueFd directory;  // open when it is a directory there
  bool hides = false;  // whether deeper layers' entries at this path are hidden
};

Result<Sight> look(const RootDir& layer, const std::string& path, const char* opaque) {
  Sight sight;
  std::string here;
  for (const std::string& name : split(path, '/')) {
    here += "/" + name;
    const std::optional<struct stat> info = TRY(layer.stat_at(here, false));
    if (!info) return Sight{UniqueFd(), sight.hides};
    if (!S_ISDIR(info->st_mode)) return Sight{UniqueFd(), true};
    sight.directory = TRY(layer.open_at(here, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    const Result<std::string> value = get_xattr(sight.directory.get(), opaque);
    if (value && *value == "y") sight.hides = true;
  }
  return sight;
}

Status copy_metadata(int from, int to) {
  struct stat info;
  if (::fstat(from, &info) != 0) return errno_error("stat");
  if (::fchown(to, info.st_uid, info.st_gid) != 0) return errno_error("change owner");
  if (::fchmod(to, info.st_mode & 07777) != 0) return errno_error("change mode");
  for (const std::string& key : TRY(list_xattrs(from))) {
    if (key.starts_with("trusted.") || key.starts_with("user.overlay.")) continue;
    if (!key.starts_with("user.") && !key.starts_with("system.posix_acl_")) continue;
    TRY(set_xattr(to, key, TRY(get_xattr(from, key))));
  }
  const timespec times[2] = {info.st_mtim, info.st_mtim};
  if (::futimens(to, times) != 0) return errno_error("set times");
  return {};
}

}  // namespace

Status adopt_directories(const std::filesystem::path& directory,
                         const std::vector<std::string>& implied,
                         const std::vector<std::filesystem::path>& lower, bool user_xattrs) {
  const RootDir own = TRY(RootDir::open(directory));
  const char* opaque = opaque_xattr(user_xattrs);
  std::vector<RootDir> layers;
  if (!implied.empty()) {
    for (const std::filesystem::path& path : lower) layers.push_back(TRY(RootDir::open(path)));
  }
  for (const std::string& path : implied) {
    if (TRY(look(own, path, opaque)).hides) continue;  // it is new here
    const UniqueFd target = TRY(own.open_at("/" + path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    for (const RootDir& layer : layers) {
      const Sight sight = TRY(look(layer, path, opaque));
      if (sight.directory) {
        TRY(copy_metadata(sight.directory.get(), target.get()).context("adopt directory " + path));
      }
      if (sight.directory || sight.hides) break;
    }
  }
  return {};
}

}  // namespace slipway::layer
