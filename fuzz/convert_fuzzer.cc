// A Dockerfile from a stranger, converted without touching anything: it ends, in a graph that
// marshals or in an error.
#include <cstdint>
#include <string_view>

#include "any_image.h"
#include "base/check.h"
#include "frontend/dockerfile/convert.h"
#include "frontend/dockerfile/instruction_parser.h"
#include "graph/proto.h"

using namespace slipway;
using namespace slipway::dockerfile;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Result<Dockerfile> dockerfile =
      parse_dockerfile(std::string_view(reinterpret_cast<const char*>(data), size), "Dockerfile");
  if (!dockerfile) return 0;
  AnyImage images;
  const Result<Conversion> conversion = convert(*dockerfile, {}, images);
  if (!conversion) return 0;
  CHECK(graph::unmarshal(graph::marshal(conversion->definition)));
  return 0;
}
