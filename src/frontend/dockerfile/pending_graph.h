// The graph while it is being made: like a DefinitionBuilder, but ops can still be changed (the
// main context learns which of its paths are used only when every stage is done).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "graph/definition.h"

namespace slipway::dockerfile {

// An output of a pending op.
struct Output {
  size_t node = 0;
  int64_t index = 0;
  auto operator<=>(const Output&) const = default;
};

struct PendingOp {
  // Its input indices count `inputs` below; they are renumbered when inputs turn out to be equal.
  graph::Op op;
  std::vector<Output> inputs;
  std::optional<Platform> platform;
  graph::VertexMetadata metadata;
  // Set instead of all the others for a vertex of another definition, which keeps its bytes.
  std::optional<graph::Vertex> imported;
};

class PendingGraph {
 public:
  // `file` is what locations with file 0 point to.
  explicit PendingGraph(graph::SourceFile file) { files_.push_back(std::move(file)); }

  Output add(PendingOp op);
  // Its root; nullopt for scratch.
  std::optional<Output> import(const graph::Definition& definition);
  PendingOp& op(size_t node) { return ops_.at(node); }
  size_t size() const { return ops_.size(); }

  // What `root` needs, in the order in which BuildKit marshals it. reached() is valid after.
  graph::Definition finish(std::optional<Output> root);

  // Whether finish() found this node below the root.
  bool reached(size_t node) const { return reached_.at(node); }

 private:
  std::vector<size_t> emit_order(size_t root) const;

  std::vector<PendingOp> ops_;  // inputs before their users
  std::vector<graph::SourceFile> files_;
  std::vector<bool> reached_;
};

}  // namespace slipway::dockerfile
