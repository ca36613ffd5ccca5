#include "ops/copy_links.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/file_io.h"
#include "base/text.h"

namespace slipway::ops {
namespace {

constexpr int kDirectoryFlags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

}  // namespace

Result<std::unique_ptr<CopyLinks>> CopyLinks::open(store::SnapshotId earlier,
                                                   const std::filesystem::path& layer) {
  auto links = std::make_unique<CopyLinks>();
  links->earlier_ = earlier;
  links->root_ = TRY(open_file(layer, kDirectoryFlags));
  links->contents_ = store::SnapshotContents::load(layer);
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

std::optional<struct stat> CopyLinks::find(const Directory& directory, const std::string& name,
                                           const store::RawDigest& digest) const {
  struct stat info;
  if (!directory || ::fstatat(directory->get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    return std::nullopt;
  }
  if (!S_ISREG(info.st_mode) || contents_.find(info.st_ino) != digest) return std::nullopt;
  return info;
}

void CopyLinks::note(uint64_t inode, const std::optional<store::RawDigest>& digest) {
  // An unknown digest is one that no content has.
  notes_.lock()->push_back({inode, digest.value_or(store::RawDigest{})});
}

Status CopyLinks::write(const std::filesystem::path& layer) {
  return store::SnapshotContents::write(layer, *notes_.lock());
}

}  // namespace slipway::ops
