// From the steps of a build to the records and layers of a cache that BuildKit can read.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "cache/cache_config.h"
#include "cache/key_graph.h"
#include "cache/remote_index.h"

namespace slipway::cache {

struct BuiltCache {
  CacheConfig config;
  // The blobs that config.layers names, in that order, each once.
  std::vector<Descriptor> blobs;
};

// nullopt for a step without such an identity.
using FindStep = std::function<Result<std::optional<SolvedStep>>(const Digest& identity)>;
// The layers of a step's result; nullopt when the cache is not to have them.
using FindLayers = std::function<Result<std::optional<LayerStack>>(const SolvedStep& step)>;

// The steps `roots` and all that their keys are made of. What has a key that no other build can
// have (a local directory itself) is left out, and so is what depends on it by anything but
// content. Layers need their diff ids and times as annotations (oci/descriptor.h). The same steps
// give the same bytes.
Result<BuiltCache> build_cache(std::span<const Digest> roots, const FindStep& find_step,
                               const FindLayers& find_layers);

// The records as an image with these layers (bottom up, by digest) keeps them inside itself:
// results of other layers are left out. Empty when no result is left.
std::vector<ConfigRecord> inline_records(const BuiltCache& cache,
                                         const std::vector<Digest>& image_layers);

}  // namespace slipway::cache
