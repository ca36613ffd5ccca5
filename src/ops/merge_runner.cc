#include "ops/merge_runner.h"

#include "base/check.h"
#include "oci/json_writer.h"
#include "ops/link_claims.h"
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

Result<MergeRunner::Merged> MergeRunner::put_layer_on(store::SnapshotId base,
                                                      store::SnapshotId layer) {
  const auto active = TRY(store_.snapshotter().prepare(base));
  LinkClaims claims(store_, base);
  TRY(link_tree(store_.snapshotter().directory(layer), active->layers().upper,
                [&](const struct stat& file) { return claims.claim(layer, file); }));
  TRY(claims.save(active->id()));
  Merged merged;
  merged.snapshot = TRY(active->commit());
  // The active snapshot keeps it pinned until the pin of our own is there.
  merged.pin = TRY(store_.snapshotter().pin(merged.snapshot));
  return merged;
}

Result<std::vector<solver::StepResult>> MergeRunner::run(
    const solver::StepContext& context, const std::vector<solver::StepResult>& inputs) {
  CHECK(!inputs.empty());
  Merged merged{TRY(snapshot_of(inputs[0])), inputs[0].keep_alive};
  for (size_t i = 1; i < inputs.size(); ++i) {
    const store::SnapshotId top = TRY(snapshot_of(inputs[i]));
    const std::vector<store::SnapshotId> chain = TRY(store_.snapshotter().ancestry(top));
    for (auto layer = chain.rbegin(); layer != chain.rend(); ++layer) {
      if (context.stop.stop_requested()) return make_error(ErrorCode::Cancelled, "cancelled");
      merged = TRY(put_layer_on(merged.snapshot, *layer));
    }
  }
  return std::vector{solver::StepResult{store::to_result_id(merged.snapshot), merged.pin}};
}

}  // namespace slipway::ops
