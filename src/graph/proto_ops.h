// Each op's fields to and from their protobuf messages. Included by proto.cc only: protobuf's
// headers stay out of everyone else's.
#pragma once

#include "base/result.h"
#include "graph/op.h"
#include "graph/ops.pb.h"

namespace slipway::graph {

void op_to_wire(const Op& op, pb::Op& wire);
// Unsupported for an op kind that Op lacks; InvalidInput for indices beyond the op's inputs and for
// enum values out of range.
Result<Op> op_from_wire(const pb::Op& wire);

void platform_to_wire(const Platform& platform, pb::Platform& wire);
Platform platform_from_wire(const pb::Platform& wire);

}  // namespace slipway::graph
