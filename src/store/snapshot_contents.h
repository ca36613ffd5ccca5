// SnapshotContents: what the files in a snapshot's own layer hold, by inode, so that a later copy
// of the same content can be a link to them. Written beside the layer before it is committed; it
// goes with the snapshot.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "base/result.h"
#include "store/file_digests.h"
#include "store/record_file.h"

namespace slipway::store {

class SnapshotContents {
 public:
  struct Record {
    uint64_t inode;
    RawDigest digest;
  };

  // `layer`, here and below: SnapshotInfo::directory or OverlayLayers::upper.
  static std::filesystem::path file_of(const std::filesystem::path& layer);
  // Of several records about one inode the last counts. The directory itself must not change any
  // more.
  static Status write(const std::filesystem::path& layer, std::vector<Record> records);
  // Empty where nothing was written, it is damaged, or the layer is a copy of the one it is about:
  // then other files have the inodes.
  static SnapshotContents load(const std::filesystem::path& layer);

  // Thread-safe.
  std::optional<RawDigest> find(uint64_t inode) const;

 private:
  RecordFile file_;
};

}  // namespace slipway::store
