// Cache keys of exec operations: the bytes that BuildKit hashes, so that its caches and ours agree.
#pragma once

#include <string>
#include <vector>

#include "graph/definition.h"
#include "solver/cache_key.h"

namespace slipway::ops {

// The definition digest leaves out what must not make a step run again: values of proxy variables,
// addresses of extra hosts, ids of cache mounts that were given by hand. InvalidInput when a mount
// names an input that is not there, or asks for a content key where none is safe.
Result<solver::CacheMap> exec_cache_map(const graph::Vertex& vertex);

// The paths that the op reads of input `index`, those inside others left out, sorted; empty: all.
std::vector<std::string> exec_selectors(const graph::Vertex& vertex, size_t index);

}  // namespace slipway::ops
