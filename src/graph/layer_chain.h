// Which steps of a graph leave layers in an image.
#pragma once

#include <vector>

#include "graph/definition.h"

namespace slipway::graph {

// The edges whose own layers make up the file system of `result`, topmost first, down to the image
// or the scratch that it starts from. What is only copied from or mounted is not among them.
std::vector<Edge> layer_chain(const Definition& definition, Edge result);

}  // namespace slipway::graph
