// Cache mounts as an OCI artifact (docs/remote-cache.md): a manifest whose layers are chunks of
// their files, and a config that says which chunks make which cache.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "oci/descriptor.h"

namespace slipway {

inline constexpr char kCacheMountsArtifactType[] = "application/vnd.slipway.cache-mounts.v1";
inline constexpr char kCacheMountsConfigType[] =
    "application/vnd.slipway.cache-mounts.config.v1+json";

// A layer with some of a cache's files; relative to the cache's directory.
struct CacheMountChunk {
  Descriptor blob;
  Digest diff_id;          // of the decompressed content
  uint64_t tar_bytes = 0;  // and its length

  bool operator==(const CacheMountChunk&) const = default;
};

struct PackedCacheMount {
  std::string id;
  std::string base;  // digest of the content that it started from; empty: of nothing
  // Of the directory itself.
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint32_t mode = 0755;
  uint64_t files = 0;  // everything but directories
  uint64_t bytes = 0;  // of its files
  // Any order will do for all but the last one, which has the times of the directories.
  std::vector<CacheMountChunk> chunks;

  bool operator==(const PackedCacheMount&) const = default;
};

// What its chunks unpack to at most; UINT64_MAX where that is more than a number can say.
uint64_t unpacked_bytes(const PackedCacheMount& mount);

// The two parts of an artifact that depend on its caches.
struct CacheMountArtifact {
  std::string config;
  std::vector<Descriptor> layers;  // each once
};

// The same caches, in any order, give the same bytes.
CacheMountArtifact to_artifact(std::vector<PackedCacheMount> mounts);

// The caches of an artifact with this config and these layers, by id and base. Hostile input: what
// is missing, twice or out of range is InvalidInput.
Result<std::vector<PackedCacheMount>> parse_cache_mounts(std::string_view config,
                                                         const std::vector<Descriptor>& layers);

}  // namespace slipway
