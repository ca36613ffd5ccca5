// CacheConfig: the file that says what a remote cache holds, in BuildKit's format
// (application/vnd.buildkit.cacheconfig.v0): records that are linked by their inputs, and layers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "oci/digest.h"

namespace slipway::cache {

inline constexpr char kCacheConfigType[] = "application/vnd.buildkit.cacheconfig.v0";
// The member of an image's config that holds the records of an inline cache: base64 of their JSON.
inline constexpr char kInlineCacheMember[] = "moby.buildkit.cache.v0";

struct ConfigLayer {
  Digest blob;
  int64_t parent = -1;  // index of the layer below; -1: none
  auto operator<=>(const ConfigLayer&) const = default;
};

// A layer with all that are below it, as a step's result.
struct ConfigResult {
  size_t layer = 0;
  std::string created;  // RFC 3339
  bool operator==(const ConfigResult&) const = default;
};

// Layers that stand for themselves, bottom up, whatever is below each in `layers`.
struct ConfigChain {
  std::vector<size_t> layers;
  std::string created;
  bool operator==(const ConfigChain&) const = default;
};

struct ConfigInput {
  std::string selector;
  size_t link = 0;  // index of a record
  auto operator<=>(const ConfigInput&) const = default;
};

struct ConfigRecord {
  Digest digest;
  std::vector<std::vector<ConfigInput>> inputs;  // by input: any of these records
  std::vector<ConfigResult> results;
  std::vector<ConfigChain> chains;
  bool operator==(const ConfigRecord&) const = default;
};

struct CacheConfig {
  std::vector<ConfigLayer> layers;
  std::vector<ConfigRecord> records;
  bool operator==(const CacheConfig&) const = default;
};

// A layer with all that are below it, from the top: indexes.
std::vector<size_t> layers_from(const std::vector<ConfigLayer>& layers, size_t top);

// Hostile input: indexes that point nowhere, loops and empty inputs are InvalidInput.
Result<CacheConfig> parse_cache_config(std::string_view json);
// The records alone, as inline caches have them; their layers are those of the image, of which
// there are `layer_count`.
Result<std::vector<ConfigRecord>> parse_cache_records(std::string_view json, size_t layer_count);

std::string to_json(const CacheConfig& config);
std::string to_json(const std::vector<ConfigRecord>& records);

}  // namespace slipway::cache
