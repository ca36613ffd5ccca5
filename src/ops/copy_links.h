// CopyLinks: an unchanged file of a build context costs no copy. Where the same copy made a file of
// the same content and attributes before, the new snapshot gets a hard link to it.
//
// Whether a link is safe is for LinkClaims to say.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "base/unique_fd.h"
#include "store/snapshot_contents.h"
#include "store/snapshotter.h"

namespace slipway::ops {

// Thread-safe.
class CopyLinks {
 public:
  // Nothing to link to; only notes what a later copy can link to.
  CopyLinks() = default;
  // `layer`: of the earlier snapshot, which the caller keeps pinned.
  static Result<std::unique_ptr<CopyLinks>> open(store::SnapshotId earlier,
                                                 const std::filesystem::path& layer);
  store::SnapshotId earlier() const { return earlier_; }

  // A directory of the earlier layer, co-owned by the entries that are looked for in it; nullptr:
  // there is none.
  using Directory = std::shared_ptr<const UniqueFd>;
  // `path`: "" or "a/b".
  Directory directory(const std::string& path) const;

  // File `name` of an earlier directory, when that is known to hold just this.
  std::optional<struct stat> find(const Directory& directory, const std::string& name,
                                  const store::RawDigest& digest) const;

  // A file of the new layer; nullopt: its digest is not known. The last word about an inode counts.
  void note(uint64_t inode, const std::optional<store::RawDigest>& digest);
  // Writes the notes beside the new layer, before it is committed.
  Status write(const std::filesystem::path& layer);

 private:
  store::SnapshotId earlier_;
  UniqueFd root_;
  store::SnapshotContents contents_;
  Guarded<std::vector<store::SnapshotContents::Record>> notes_;
};

}  // namespace slipway::ops
