#include "graph/unread_sources.h"

#include <variant>

namespace slipway::graph {

std::vector<VertexIndex> unread_sources(const Definition& definition) {
  const std::vector<Vertex>& vertices = definition.vertices();
  std::vector<bool> is_read(vertices.size(), false);
  // Users come after their inputs: what becomes of them is known when their inputs' turn comes.
  for (VertexIndex user = vertices.size(); user-- > 0;) {
    const std::vector<Edge>& inputs = vertices[user].inputs;
    const bool merge = std::holds_alternative<MergeOp>(vertices[user].op);
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (!merge || i != 0 || is_read[user]) is_read[inputs[i].vertex] = true;
    }
  }
  std::vector<VertexIndex> unread;
  for (VertexIndex index = 0; index < vertices.size(); ++index) {
    const bool source = std::holds_alternative<SourceOp>(vertices[index].op);
    if (source && !is_read[index]) unread.push_back(index);
  }
  return unread;
}

}  // namespace slipway::graph
