// ContextCopies: parts of build contexts as snapshots, for steps that mount them.
#pragma once

#include <functional>
#include <map>
#include <stop_token>
#include <string>

#include "base/guarded.h"
#include "ops/local_contexts.h"
#include "solver/op_runner.h"

namespace slipway::ops {

// A step must see of a context what the build was given (no ignored files, root's files) and must
// not change it: so it gets a copy of what it selects. Equal content is copied once per process.
// Thread-safe.
class ContextCopies {
 public:
  // Copies `path` of a context to the same path of an empty file system.
  using Copy = std::function<Result<solver::StepResult>(
      std::shared_ptr<source::FileTree> context, const std::string& path, std::stop_token stop)>;
  ContextCopies(LocalContexts& contexts, Copy copy) : contexts_(contexts), copy_(std::move(copy)) {}

  // nullopt when `input` is no context.
  Result<std::optional<solver::StepResult>> copy(const solver::StepResult& input,
                                                 const std::string& path, std::stop_token stop);

 private:
  LocalContexts& contexts_;
  const Copy copy_;
  Guarded<std::map<std::string, solver::StepResult>> copies_;  // by digest of the content, and path
};

}  // namespace slipway::ops
