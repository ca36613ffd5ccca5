#include "frontend/dockerfile/pending_graph.h"

#include <algorithm>

#include "base/check.h"

namespace slipway::dockerfile {

namespace {

// New numbers of an op's inputs: by old index.
using Renumbering = std::vector<int64_t>;

void renumber(int64_t& index, const Renumbering& numbers, int64_t inputs_after) {
  if (index < 0) return;
  const auto before = static_cast<int64_t>(numbers.size());
  // Beyond the inputs are the results of a file op's earlier actions.
  index = index < before ? numbers[static_cast<size_t>(index)] : index - before + inputs_after;
}

void renumber(std::optional<graph::ChownOpt>& owner, const Renumbering& numbers, int64_t after) {
  if (!owner) return;
  for (std::optional<graph::UserOpt>* user : {&owner->user, &owner->group}) {
    if (!*user) continue;
    if (auto* name = std::get_if<graph::UserOpt::Name>(&(*user)->value)) {
      renumber(name->input, numbers, after);
    }
  }
}

void renumber(graph::FileAction& action, const Renumbering& numbers, int64_t after) {
  renumber(action.input, numbers, after);
  renumber(action.secondary_input, numbers, after);
  std::visit(
      [&](auto& kind) {
        if constexpr (requires { kind.owner; }) renumber(kind.owner, numbers, after);
      },
      action.action);
}

// Equal inputs of an exec or file op are one input; a merge keeps them apart.
std::vector<graph::Edge> unite_equal_inputs(graph::Op& op, const std::vector<graph::Edge>& inputs) {
  if (!std::holds_alternative<graph::ExecOp>(op) && !std::holds_alternative<graph::FileOp>(op)) {
    return inputs;
  }
  std::vector<graph::Edge> united;
  Renumbering numbers;
  for (const graph::Edge& input : inputs) {
    const auto known = std::ranges::find(united, input);
    numbers.push_back(known - united.begin());
    if (known == united.end()) united.push_back(input);
  }
  const auto after = static_cast<int64_t>(united.size());
  if (auto* exec = std::get_if<graph::ExecOp>(&op)) {
    for (graph::Mount& mount : exec->mounts) renumber(mount.input, numbers, after);
  } else {
    for (graph::FileAction& action : std::get<graph::FileOp>(op).actions) {
      renumber(action, numbers, after);
    }
  }
  return united;
}

// The order in which BuildKit visits a vertex's inputs: as numbered, but a file op's are its base,
// then its actions' sources from the last to the first.
std::vector<size_t> visit_order(const PendingOp& op) {
  std::vector<size_t> order;
  for (const Output& input : op.inputs) order.push_back(input.node);
  if (op.imported) return order;
  const auto* file = std::get_if<graph::FileOp>(&op.op);
  if (file == nullptr || file->actions.empty()) return order;
  const bool has_base = file->actions.front().input == 0 && !order.empty();
  std::reverse(order.begin() + (has_base ? 1 : 0), order.end());
  return order;
}

}  // namespace

Output PendingGraph::add(PendingOp op) {
  for (const Output& input : op.inputs) CHECK(input.node < ops_.size());
  ops_.push_back(std::move(op));
  return {ops_.size() - 1, 0};
}

std::optional<Output> PendingGraph::import(const graph::Definition& definition) {
  const size_t first = ops_.size();
  const size_t first_file = files_.size();
  files_.insert(files_.end(), definition.files().begin(), definition.files().end());
  for (graph::Vertex vertex : definition.vertices()) {
    PendingOp op;
    for (const graph::Edge& input : vertex.inputs) {
      op.inputs.push_back({first + input.vertex, input.output});
    }
    for (graph::SourceLocation& location : vertex.metadata.locations) location.file += first_file;
    op.imported = std::move(vertex);
    ops_.push_back(std::move(op));
  }
  if (!definition.root()) return std::nullopt;
  return Output{first + definition.root()->vertex, definition.root()->output};
}

std::vector<size_t> PendingGraph::emit_order(size_t root) const {
  std::vector<size_t> order;
  std::vector<bool> done(ops_.size(), false);
  struct Visit {
    size_t node;
    std::vector<size_t> inputs;
    size_t next = 0;
  };
  std::vector<Visit> stack;
  stack.push_back({root, visit_order(ops_[root])});
  while (!stack.empty()) {
    Visit& visit = stack.back();
    if (!done[visit.node] && visit.next < visit.inputs.size()) {
      const size_t input = visit.inputs[visit.next++];
      if (!done[input]) stack.push_back({input, visit_order(ops_[input])});
      continue;
    }
    if (!done[visit.node]) order.push_back(visit.node);
    done[visit.node] = true;
    stack.pop_back();
  }
  return order;
}

graph::Definition PendingGraph::finish(std::optional<Output> root) {
  graph::DefinitionBuilder builder;
  reached_.assign(ops_.size(), false);
  if (!root) return std::move(builder).build(std::nullopt);
  std::vector<size_t> files;
  for (graph::SourceFile& file : files_) files.push_back(builder.add_file(std::move(file)));

  std::vector<graph::VertexIndex> emitted(ops_.size());
  for (const size_t node : emit_order(root->node)) {
    PendingOp& op = ops_[node];
    reached_[node] = true;
    std::vector<graph::Edge> inputs;
    for (const Output& input : op.inputs) inputs.push_back({emitted[input.node], input.index});
    graph::VertexMetadata& metadata = op.imported ? op.imported->metadata : op.metadata;
    for (graph::SourceLocation& location : metadata.locations) location.file = files[location.file];
    if (op.imported) {
      op.imported->inputs = std::move(inputs);
      emitted[node] = builder.add_encoded(*std::move(op.imported));
    } else {
      inputs = unite_equal_inputs(op.op, inputs);
      emitted[node] = builder
                          .add(std::move(op.op), std::move(inputs), std::move(op.platform),
                               std::move(op.metadata))
                          .vertex;
    }
  }
  return std::move(builder).build(graph::Edge{emitted[root->node], root->index});
}

}  // namespace slipway::dockerfile
