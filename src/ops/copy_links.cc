#include "ops/copy_links.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/file_io.h"
#include "base/text.h"

namespace slipway::ops {
namespace {

constexpr int kDirectoryFlags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

}  // namespace

Result<std::unique_ptr<CopyLinks>> CopyLinks::open(const std::filesystem::path& earlier) {
  auto links = std::make_unique<CopyLinks>();
  links->root_ = TRY(open_file(earlier, kDirectoryFlags));
  links->contents_ = store::SnapshotContents::load(earlier);
  return links;
}

CopyLinks::Directory CopyLinks::directory(const std::string& path) const {
  if (!root_) return nullptr;
  // One name at a time: a symlink would lead to another path.
  UniqueFd fd(::openat(root_.get(), ".", kDirectoryFlags));
  for (const std::string& name : split(path, '/')) {
    if (!fd) return nullptr;
    if (!name.empty()) fd = UniqueFd(::openat(fd.get(), name.c_str(), kDirectoryFlags));
  }
  return fd ? std::make_shared<const UniqueFd>(std::move(fd)) : nullptr;
}

std::optional<uint64_t> CopyLinks::take(const Directory& directory, const std::string& name,
                                        const store::RawDigest& digest,
                                        const Attributes& attributes) {
  struct stat info;
  if (!directory || ::fstatat(directory->get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    return std::nullopt;
  }
  const bool same = S_ISREG(info.st_mode) && info.st_uid == attributes.uid &&
                    info.st_gid == attributes.gid && (info.st_mode & 07777) == attributes.mode &&
                    info.st_mtim.tv_sec == attributes.mtime.tv_sec &&
                    info.st_mtim.tv_nsec == attributes.mtime.tv_nsec;
  if (!same || contents_.find(info.st_ino) != digest) return std::nullopt;
  if (!taken_.lock()->insert(info.st_ino).second) return std::nullopt;
  return info.st_ino;
}

void CopyLinks::note(uint64_t inode, const std::optional<store::RawDigest>& digest) {
  // An unknown digest is one that no content has.
  notes_.lock()->push_back({inode, digest.value_or(store::RawDigest{})});
}

Status CopyLinks::write(const std::filesystem::path& layer) {
  return store::SnapshotContents::write(layer, *notes_.lock());
}

}  // namespace slipway::ops
