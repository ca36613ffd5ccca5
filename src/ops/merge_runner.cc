#include "ops/merge_runner.h"

#include "base/check.h"
#include "oci/json_writer.h"
#include "ops/link_tree.h"
#include "store/result_id.h"

namespace slipway::ops {
namespace {

Result<store::SnapshotId> snapshot_of(const solver::StepResult& result) {
  const auto snapshot = store::snapshot_of_result(result.id);
  if (snapshot) return *snapshot;
  return make_error(ErrorCode::Unsupported, "merge: an input is no file system of layers");
}

// As Go's encoding/json writes BuildKit's struct, so that its caches and ours agree.
std::string key_text(const graph::MergeOp& op) {
  JsonWriter json;
  json.begin_object().key("Type").string("buildkit.merge.v0").key("Merge").begin_object();
  if (!op.inputs.empty()) {
    json.key("inputs").begin_array();
    for (const int64_t input : op.inputs) {
      json.begin_object().optional("input", input).end_object();
    }
    json.end_array();
  }
  json.end_object().end_object();
  return json.take();
}

}  // namespace

Result<solver::CacheMap> MergeRunner::cache_map(const solver::StepContext& context) {
  const auto* op = std::get_if<graph::MergeOp>(&context.vertex.op);
  CHECK(op != nullptr);
  solver::CacheMap map;
  map.digest = Digest::sha256_of(key_text(*op));
  map.inputs.resize(context.vertex.inputs.size());
  return map;
}

Result<Digest> MergeRunner::content_digest(const solver::StepContext&, size_t,
                                           const solver::StepResult&) {
  return make_error(ErrorCode::Internal, "merge reads no input by content");
}

Result<std::vector<solver::StepResult>> MergeRunner::run(
    const solver::StepContext& context, const std::vector<solver::StepResult>& inputs) {
  CHECK(!inputs.empty());
  store::SnapshotId merged = TRY(snapshot_of(inputs[0]));
  std::shared_ptr<const void> pin = inputs[0].keep_alive;
  for (size_t i = 1; i < inputs.size(); ++i) {
    const store::SnapshotId top = TRY(snapshot_of(inputs[i]));
    if (top.is_scratch()) continue;
    std::vector<store::SnapshotInfo> chain = TRY(snapshotter_.chain(top));
    for (auto layer = chain.rbegin(); layer != chain.rend(); ++layer) {
      if (context.stop.stop_requested()) return make_error(ErrorCode::Cancelled, "cancelled");
      const auto active = TRY(snapshotter_.prepare(merged));
      TRY(link_tree(layer->directory, active->layers().upper));
      merged = TRY(active->commit());
      pin = TRY(snapshotter_.pin(merged));
    }
  }
  return std::vector{solver::StepResult{store::to_result_id(merged), pin}};
}

}  // namespace slipway::ops
