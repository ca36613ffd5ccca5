// What the store takes on disk, thing by thing: `du`, and what `prune` chooses from.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store/store.h"

namespace slipway::store {

enum class UsageKind {
  Snapshot,    // the own entries of one layer
  CacheMount,  // one directory of RUN --mount=type=cache
  Blob,        // one file of the content store
  Internal,    // database, stat indexes, history of builds, scratch of running processes
};

// Every block on disk is counted in exactly one record.
struct UsageRecord {
  UsageKind kind = UsageKind::Snapshot;
  std::string id;      // "snapshot:7", "cache-mount:3", "sha256:…", "internal:metadata"
  std::string parent;  // id of the snapshot below; empty: none
  std::string description;
  uint64_t bytes = 0;   // allocated blocks
  uint64_t inodes = 0;  // files and directories
  int64_t created = 0;  // microseconds since the epoch
  int64_t last_used = 0;
  int64_t uses = 0;     // times a build took the cached result
  bool in_use = false;  // by a running build of some process, or needed by a local image
  bool shared = false;  // several cached results, images or snapshots stand on it
  // Some files of the snapshot or cache mount are links that others have too; they are counted in
  // the newest snapshot that has them, and removing this one leaves them where they are.
  bool has_links = false;
  uint64_t linked_bytes = 0;  // of those files
  // A blob that can be made again, byte for byte, from the snapshots whose layer it is.
  bool reproducible = false;
  bool from_image = false;  // an unpacked layer of an image; a blob that a local image needs

  bool reclaimable() const { return !in_use && kind != UsageKind::Internal; }
};

// Sorted by kind and id. Sizes that are not known yet are measured (a walk) and remembered.
Result<std::vector<UsageRecord>> usage_records(Store& store);

uint64_t total_bytes(const std::vector<UsageRecord>& records);

}  // namespace slipway::store
