// MountedResult: a snapshot's file system, mounted read-only for as long as this lives.
#pragma once

#include <filesystem>
#include <optional>

#include "base/mount.h"
#include "base/temp_dir.h"
#include "store/store.h"

namespace slipway::exporter {

class MountedResult {
 public:
  // The caller keeps the snapshot pinned. Scratch is an empty directory.
  static Result<MountedResult> open(store::Store& store, store::SnapshotId snapshot);
  // With what is in `top`, a scratch directory of that store, merged in: its files take the place
  // of what has their names.
  static Result<MountedResult> open_below(TempDir top, store::Store& store,
                                          store::SnapshotId snapshot);
  const std::filesystem::path& path() const { return directory_.path(); }

 private:
  explicit MountedResult(TempDir directory) : directory_(std::move(directory)) {}
  // Destroyed from the last to the first: the mount goes before its directories.
  std::optional<TempDir> top_;
  TempDir directory_;
  std::optional<Mount> mount_;
};

}  // namespace slipway::exporter
