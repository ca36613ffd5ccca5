// One instruction on one line (continuations already joined) -> Node.
#pragma once

#include <string_view>

#include "base/result.h"
#include "frontend/dockerfile/syntax_tree.h"

namespace slipway::dockerfile {

// Lines, comments and heredocs of the node are left to the caller.
Result<Node> parse_line(std::string_view line, char escape);

// Whether the instruction may take heredocs: ADD, COPY, RUN (also under ONBUILD), not in JSON form.
bool takes_heredocs(const Node& node);

}  // namespace slipway::dockerfile
