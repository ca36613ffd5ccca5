#include "graph/layer_chain.h"

#include <algorithm>
#include <optional>

namespace slipway::graph {
namespace {

// Index of the input that output `output` of an op is a change of; kNone where it starts empty.
int64_t base_input(const ExecOp& exec, const Vertex&, int64_t output) {
  const auto mount = std::ranges::find(exec.mounts, output, &Mount::output);
  return mount == exec.mounts.end() ? kNone : mount->input;
}

int64_t base_input(const FileOp& file, const Vertex& vertex, int64_t output) {
  const auto count = static_cast<int64_t>(vertex.inputs.size());
  auto action = std::ranges::find(file.actions, output, &FileAction::output);
  while (action != file.actions.end()) {
    if (action->input < count) return action->input;
    // The result of an earlier action; one that refers forwards ends the chain.
    const int64_t before = action->input - count;
    if (before >= action - file.actions.begin()) return kNone;
    action = file.actions.begin() + before;
  }
  return kNone;
}

// The other inputs' layers are copied into layers of the result's own.
int64_t base_input(const MergeOp& merge, const Vertex&, int64_t) {
  return merge.inputs.empty() ? kNone : merge.inputs.front();
}

template <typename Other>
int64_t base_input(const Other&, const Vertex&, int64_t) {
  return kNone;
}

}  // namespace

std::vector<Edge> layer_chain(const Definition& definition, Edge result) {
  std::vector<Edge> chain;
  for (std::optional<Edge> next = result; next;) {
    chain.push_back(*next);
    const Vertex& vertex = definition.vertex(next->vertex);
    const int64_t input =
        std::visit([&](const auto& op) { return base_input(op, vertex, next->output); }, vertex.op);
    next.reset();
    if (input >= 0 && static_cast<size_t>(input) < vertex.inputs.size()) {
      next = vertex.inputs[static_cast<size_t>(input)];
    }
  }
  return chain;
}

}  // namespace slipway::graph
