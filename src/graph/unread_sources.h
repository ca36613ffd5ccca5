// Which sources of a graph are only carried on into its result.
#pragma once

#include <vector>

#include "graph/definition.h"

namespace slipway::graph {

// The SourceOps whose files no step of the definition looks at: the result is one of them, or
// merges put layers on top of it.
std::vector<VertexIndex> unread_sources(const Definition& definition);

}  // namespace slipway::graph
