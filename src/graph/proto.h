// Definitions and ops as protobuf bytes (ops.proto) and back.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "graph/definition.h"

namespace slipway::graph {

// An input as an op's bytes name it.
struct WireInput {
  Digest digest;
  int64_t output = 0;
};

// The deterministic encoding of an op, byte for byte BuildKit's. Its sha256 is the vertex's digest.
std::string marshal_op(const Op& op, const std::vector<WireInput>& inputs,
                       const std::optional<Platform>& platform,
                       const std::vector<std::string>& worker_constraints);

// pb.Definition: all ops, the terminal op that names the result, metadata and source maps.
// Scratch (no root) has no ops.
std::string marshal(const Definition& definition);

// Hostile input: bytes that are no definition, an op whose input is missing or comes later, an
// index out of range are InvalidInput; an op that this version does not know is Unsupported.
Result<Definition> unmarshal(std::string_view bytes);

// One JSON object a line for each op, as `buildctl debug dump-llb` prints them, terminal op
// included.
std::string dump_json(const Definition& definition);

}  // namespace slipway::graph
