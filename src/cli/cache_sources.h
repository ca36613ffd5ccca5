// Loading the caches that --cache-from names.
#pragma once

#include <memory>
#include <stop_token>
#include <vector>

#include "cache/key_graph.h"
#include "cli/cache_options.h"
#include "progress/sink.h"
#include "registry/client.h"
#include "source/blob_origin.h"

namespace slipway::cli {

struct LoadedCache {
  std::vector<cache::KeyGraph> caches;
  std::shared_ptr<source::BlobOrigin> origin;  // co-owned by the results that lie there
  std::optional<Reference> reference;          // where that is a registry
};

// In the order given, all at once. A source that cannot be read is left out with a warning: a cache
// makes builds faster, not possible. `client` outlives what is returned.
std::vector<LoadedCache> load_cache_sources(const std::vector<CacheSource>& sources,
                                            registry::Client& client, progress::Sink& progress,
                                            std::stop_token stop);

}  // namespace slipway::cli
