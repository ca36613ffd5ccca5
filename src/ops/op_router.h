// OpRouter: the OpRunner that the solver is given; hands each vertex to the runner of its kind of
// op.
#pragma once

#include "solver/op_runner.h"

namespace slipway::ops {

class OpRouter : public solver::OpRunner {
 public:
  struct Runners {
    solver::OpRunner& source;
    solver::OpRunner& exec;
    solver::OpRunner& file;
    solver::OpRunner& merge;
  };
  explicit OpRouter(const Runners& runners) : runners_(runners) {}

  Result<solver::CacheMap> cache_map(const solver::StepContext& context) override;
  Result<Digest> content_digest(const solver::StepContext& context, size_t index,
                                const solver::StepResult& input) override;
  Result<std::vector<solver::StepResult>> run(
      const solver::StepContext& context, const std::vector<solver::StepResult>& inputs) override;

 private:
  // Unsupported for ops that this engine does not run.
  Result<solver::OpRunner*> runner_of(const graph::Vertex& vertex) const;

  const Runners runners_;
};

}  // namespace slipway::ops
