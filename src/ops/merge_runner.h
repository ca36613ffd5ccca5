// MergeRunner: MergeOp, the layers of several file systems on top of each other (COPY --link makes
// them).
#pragma once

#include "solver/op_runner.h"
#include "store/store.h"

namespace slipway::ops {

class MergeRunner : public solver::OpRunner {
 public:
  explicit MergeRunner(store::Store& store) : store_(store) {}

  Result<solver::CacheMap> cache_map(const solver::StepContext& context) override;
  Result<Digest> content_digest(const solver::StepContext& context, size_t index,
                                const solver::StepResult& input) override;
  // The first input with the layers of the others on it, bottom up. Files are linked, not copied,
  // unless the stack has them already (docs/copy.md).
  Result<std::vector<solver::StepResult>> run(
      const solver::StepContext& context, const std::vector<solver::StepResult>& inputs) override;

  struct Merged {
    store::SnapshotId snapshot;
    std::shared_ptr<const void> pin;  // co-owned with the result
  };
  // `base` with the own entries of `layer` on it.
  Result<Merged> put_layer_on(store::SnapshotId base, store::SnapshotId layer);

 private:
  store::Store& store_;
};

}  // namespace slipway::ops
