// Cache mounts beside a build cache: what --cache-to does with them.
#pragma once

#include <stop_token>

#include "base/thread_pool.h"
#include "cli/cache_mount_imports.h"
#include "cli/cache_options.h"
#include "graph/definition.h"
#include "progress/sink.h"
#include "registry/client.h"
#include "store/store.h"

namespace slipway::cli {

struct CacheMountServices {
  CacheMountImports& imports;
  store::Store& store;
  registry::Client& registry;
  ThreadPool& pool;
};

// Whether there is anything to write: the target wants cache mounts and a step has one.
bool has_cache_mounts(const CacheTarget& target, const graph::Definition& definition);

// Writes the caches that the steps of `definition` mount beside the build cache at `target`: those
// that a step of this build has used, and those that were not there yet. The others stay as they
// are there, or are taken over, by name, from the caches that the build came from.
Status write_cache_mounts(const CacheTarget& target, const graph::Definition& definition,
                          const CacheMountServices& services, progress::VertexReporter& reporter,
                          std::stop_token stop);

}  // namespace slipway::cli
