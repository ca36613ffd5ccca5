// FileRunner: the OpRunner of file operations.
#pragma once

#include "base/thread_pool.h"
#include "ops/local_contexts.h"
#include "solver/op_runner.h"
#include "store/store.h"

namespace slipway::ops {

class FileRunner final : public solver::OpRunner {
 public:
  // All of them outlive the runner. `rootless`: as in StoreOptions.
  FileRunner(store::Store& store, LocalContexts& contexts, ThreadPool& pool, bool rootless)
      : store_(store), contexts_(contexts), pool_(pool), rootless_(rootless) {}

  Result<solver::CacheMap> cache_map(const solver::StepContext& context) override;
  Result<Digest> content_digest(const solver::StepContext& context, size_t index,
                                const solver::StepResult& input) override;
  // An input that the operation only builds on may be a skeleton (skeleton_input.h).
  Result<std::vector<solver::StepResult>> run(
      const solver::StepContext& context, const std::vector<solver::StepResult>& inputs) override;

 private:
  store::Store& store_;
  LocalContexts& contexts_;
  ThreadPool& pool_;
  const bool rootless_;
};

}  // namespace slipway::ops
