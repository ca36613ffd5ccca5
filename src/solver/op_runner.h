// OpRunner: what the solver asks of the engine for one vertex. Called on worker threads; may block.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "graph/definition.h"
#include "progress/sink.h"
#include "solver/cache_key.h"

namespace slipway::solver {

// One output of a step that has run or was loaded: a name that the engine understands, and whatever
// keeps the named thing alive (co-owned by the solver and by everyone who was handed the result).
struct StepResult {
  std::string id;  // "snapshot:17", "local:context"; empty is scratch
  std::shared_ptr<const void> keep_alive;
  Digest identity = {};  // of what solve() returns; see cache_key.h
};

// Where a call belongs: its vertex, where its progress goes, and when to give up.
struct StepContext {
  const graph::Vertex& vertex;
  progress::VertexReporter& progress;
  std::stop_token stop;
};

class OpRunner {
 public:
  virtual ~OpRunner() = default;

  // What the result depends on; for a source this resolves what the name stands for now.
  virtual Result<CacheMap> cache_map(const StepContext& context) = 0;

  // Digest of what the op reads of input `index`; asked only where the CacheMap says by_content.
  virtual Result<Digest> content_digest(const StepContext& context, size_t index,
                                        const StepResult& input) = 0;

  // Runs the op; one result per output. `inputs` are those of the vertex, in order.
  virtual Result<std::vector<StepResult>> run(const StepContext& context,
                                              const std::vector<StepResult>& inputs) = 0;
};

}  // namespace slipway::solver
