// Layout: where things lie below the root of the store.
//
//   metadata.db            SQLite: snapshots, cache records, images, ... (schema.h)
//   blobs/sha256/HEX       content by digest
//   snapshots/ID/fs        a layer's own entries, in overlayfs's form; ID/work only while active
//   snapshots/ID/contents  what files of the layer hold, for copies to come (snapshot_contents.h)
//   snapshots/empty        the empty lowest layer that read-only overlays need
//   cache-mounts/ID        directories of RUN --mount=type=cache, see cache_mounts.h
//   context/               stat indexes of build contexts
//   history/               one directory per build (written by cli)
//   locks/pins, locks/claims   see range_lock.h; locks/collected: cli/background_prune;
//                          locks/unsynced: a byte for each barrier that was left to others
//   metadata.db.damaged-TIME   a database that was damaged; goes with prune --all
//   tmp/trash              what a thread removes when there is time (trash.h)
//   tmp/p-XXXXXX           scratch of one process, flocked by it; removed by others once it is dead
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace slipway::store {

class Layout {
 public:
  explicit Layout(std::filesystem::path root) : root_(std::move(root)) {}

  // Makes what is missing; the root is private to its owner (0700).
  Status create() const;

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path database() const { return root_ / "metadata.db"; }
  std::filesystem::path blobs() const { return root_ / "blobs"; }
  // A database that was damaged gets this name, and a time.
  std::string damaged_database() const { return database().string() + ".damaged-"; }
  static bool is_damaged_database(std::string_view file_name) {
    return file_name.starts_with("metadata.db.damaged-");
  }
  std::filesystem::path snapshots() const { return root_ / "snapshots"; }
  std::filesystem::path snapshot(int64_t id) const { return snapshots() / std::to_string(id); }
  std::filesystem::path empty_layer() const { return snapshots() / "empty"; }
  std::filesystem::path cache_mounts() const { return root_ / "cache-mounts"; }
  std::filesystem::path cache_mount(int64_t id) const {
    return cache_mounts() / std::to_string(id);
  }
  std::filesystem::path contexts() const { return root_ / "context"; }
  std::filesystem::path history() const { return root_ / "history"; }
  std::filesystem::path locks() const { return root_ / "locks"; }
  std::filesystem::path pins() const { return locks() / "pins"; }
  std::filesystem::path claims() const { return locks() / "claims"; }
  std::filesystem::path unsynced() const { return locks() / "unsynced"; }
  std::filesystem::path tmp() const { return root_ / "tmp"; }

 private:
  std::filesystem::path root_;
};

}  // namespace slipway::store
