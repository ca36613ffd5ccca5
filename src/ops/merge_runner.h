// MergeRunner: MergeOp, the layers of several file systems on top of each other (COPY --link makes
// them).
#pragma once

#include "solver/op_runner.h"
#include "store/snapshotter.h"

namespace slipway::ops {

class MergeRunner : public solver::OpRunner {
 public:
  explicit MergeRunner(store::Snapshotter& snapshotter) : snapshotter_(snapshotter) {}

  Result<solver::CacheMap> cache_map(const solver::StepContext& context) override;
  Result<Digest> content_digest(const solver::StepContext& context, size_t index,
                                const solver::StepResult& input) override;
  // The first input with the layers of the others on it, bottom up. Files are linked, not copied.
  Result<std::vector<solver::StepResult>> run(
      const solver::StepContext& context, const std::vector<solver::StepResult>& inputs) override;

 private:
  store::Snapshotter& snapshotter_;
};

}  // namespace slipway::ops
