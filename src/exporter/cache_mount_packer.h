// Cache mounts as blobs of the content store, for an artifact (oci/cache_mount_artifact.h).
#pragma once

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <vector>

#include "base/thread_pool.h"
#include "exporter/image_assembly.h"
#include "oci/cache_mount_artifact.h"
#include "progress/sink.h"
#include "store/whole_caches.h"

namespace slipway::exporter {

struct PackLimits {
  // Of the files of all caches together, before they are compressed.
  uint64_t max_bytes = UINT64_MAX;
  // How long to wait for steps that use a cache.
  std::chrono::milliseconds patience = std::chrono::milliseconds::max();
};

// Packs the caches, those that were used last first, while there is room. No step can use a cache
// while it is packed. What is left out, because of its size or because a step uses it, is told as
// a warning. The same files give the same blobs, and what has not changed since the last time is
// not compressed again (docs/remote-cache.md).
Result<std::vector<PackedCacheMount>> pack_cache_mounts(store::Store& store,
                                                        std::vector<store::CacheMountInfo> mounts,
                                                        const PackLimits& limits, ThreadPool& pool,
                                                        progress::VertexReporter& reporter,
                                                        std::stop_token stop);

// Config and manifest in the content store. `mounts` is not empty; their chunks may be elsewhere.
Result<AssembledImage> assemble_cache_mounts(std::vector<PackedCacheMount> mounts,
                                             store::ContentStore& content);

}  // namespace slipway::exporter
