// CopyLinks: an unchanged file of a build context costs no copy. Where the same copy made a file of
// the same content and attributes before, the new snapshot gets a hard link to it.
//
// Why that is safe: snapshots are never written in place (overlayfs copies up), and a file is only
// linked to one at the same path, so no file system ever shows one inode at two paths that the
// build did not link itself.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/guarded.h"
#include "base/unique_fd.h"
#include "store/snapshot_contents.h"

namespace slipway::ops {

// Thread-safe.
class CopyLinks {
 public:
  // Nothing to link to; only notes what a later copy can link to.
  CopyLinks() = default;
  // `earlier`: the layer of a snapshot that the caller keeps pinned.
  static Result<std::unique_ptr<CopyLinks>> open(const std::filesystem::path& earlier);

  // A directory of the earlier layer, co-owned by the entries that are looked for in it; nullptr:
  // there is none.
  using Directory = std::shared_ptr<const UniqueFd>;
  // `path`: "" or "a/b".
  Directory directory(const std::string& path) const;

  // What a file has to have besides its content.
  struct Attributes {
    uint32_t uid = 0;
    uint32_t gid = 0;
    unsigned mode = 0;  // permissions
    timespec mtime{};
  };
  // The inode of file `name` of an earlier directory when it holds just that; nullopt: make a new
  // one. An inode is given out once: what are links of one another in the earlier layer need not be
  // so now.
  std::optional<uint64_t> take(const Directory& directory, const std::string& name,
                               const store::RawDigest& digest, const Attributes& attributes);

  // A file of the new layer; nullopt: its digest is not known. The last word about an inode counts.
  void note(uint64_t inode, const std::optional<store::RawDigest>& digest);
  // Writes the notes beside the new layer, before it is committed.
  Status write(const std::filesystem::path& layer);

 private:
  UniqueFd root_;
  store::SnapshotContents contents_;
  Guarded<std::unordered_set<uint64_t>> taken_;
  Guarded<std::vector<store::SnapshotContents::Record>> notes_;
};

}  // namespace slipway::ops
