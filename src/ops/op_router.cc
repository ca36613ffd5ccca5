#include "ops/op_router.h"

namespace slipway::ops {
namespace {

struct Choose {
  const OpRouter::Runners& runners;

  Result<solver::OpRunner*> operator()(const graph::SourceOp&) const { return &runners.source; }
  Result<solver::OpRunner*> operator()(const graph::ExecOp&) const { return &runners.exec; }
  Result<solver::OpRunner*> operator()(const graph::FileOp&) const { return &runners.file; }
  Result<solver::OpRunner*> operator()(const graph::MergeOp&) const { return &runners.merge; }
  Result<solver::OpRunner*> operator()(const graph::DiffOp&) const { return unsupported("diff"); }
  Result<solver::OpRunner*> operator()(const graph::BuildOp&) const { return unsupported("build"); }

  static Error unsupported(const char* op) {
    return make_error(ErrorCode::Unsupported, "LLB op \"{}\" is not supported", op);
  }
};

}  // namespace

Result<solver::OpRunner*> OpRouter::runner_of(const graph::Vertex& vertex) const {
  return std::visit(Choose{runners_}, vertex.op);
}

Result<solver::CacheMap> OpRouter::cache_map(const solver::StepContext& context) {
  return TRY(runner_of(context.vertex))->cache_map(context);
}

Result<Digest> OpRouter::content_digest(const solver::StepContext& context, size_t index,
                                        const solver::StepResult& input) {
  return TRY(runner_of(context.vertex))->content_digest(context, index, input);
}

Result<std::vector<solver::StepResult>> OpRouter::run(
    const solver::StepContext& context, const std::vector<solver::StepResult>& inputs) {
  return TRY(runner_of(context.vertex))->run(context, inputs);
}

}  // namespace slipway::ops
