// LLB from a client: what unmarshals marshals to the same graph, and every reference in it holds.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "graph/proto.h"

using namespace slipway;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Result<graph::Definition> definition =
      graph::unmarshal(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!definition) return 0;
  for (size_t i = 0; i < definition->vertices().size(); ++i) {
    const graph::Vertex& vertex = definition->vertex(i);
    for (const graph::Edge& input : vertex.inputs) CHECK(input.vertex < i);
    (void)definition->spans(vertex);
    (void)vertex.name();
  }
  const std::string bytes = graph::marshal(*definition);
  const Result<graph::Definition> again = graph::unmarshal(bytes);
  CHECK(again && graph::marshal(*again) == bytes);
  (void)graph::dump_json(*definition);
  return 0;
}
