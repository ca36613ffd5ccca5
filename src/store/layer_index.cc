#include "store/layer_index.h"

namespace slipway::store {
namespace {

LayerBlob blob_of_row(const Rows& rows, Digest digest, Digest diff_id) {
  LayerBlob blob;
  blob.descriptor.digest = std::move(digest);
  blob.descriptor.media_type = rows.text(1);
  blob.descriptor.size = static_cast<uint64_t>(rows.integer(2));
  blob.diff_id = std::move(diff_id);
  return blob;
}

Result<LayerBlob> read_blob(const Rows& rows) {
  Digest digest = TRY(Digest::parse(rows.view(0)));
  Digest diff_id = TRY(Digest::parse(rows.view(3)));
  return blob_of_row(rows, std::move(digest), std::move(diff_id));
}

}  // namespace

Digest chain_id(const Digest& parent, const Digest& diff_id) {
  if (parent.empty()) return diff_id;
  return Digest::sha256_of(parent.str() + " " + diff_id.str());
}

Result<std::optional<LayerBlob>> LayerIndex::find_blob(SnapshotId snapshot,
                                                       std::string_view variant) {
  auto database = core_->database().lock();
  Rows rows =
      TRY(database->query("SELECT digest, media_type, size, diff_id FROM layer_blobs WHERE "
                          "snapshot = ? AND variant = ?",
                          snapshot.value, variant));
  if (!TRY(rows.next())) return std::optional<LayerBlob>();
  return std::optional<LayerBlob>(TRY(read_blob(rows)));
}

Result<std::vector<LayerBlob>> LayerIndex::blobs_of(SnapshotId snapshot) {
  auto database = core_->database().lock();
  Rows rows = TRY(database->query(
      "SELECT digest, media_type, size, diff_id FROM layer_blobs WHERE snapshot = ?",
      snapshot.value));
  std::vector<LayerBlob> blobs;
  while (TRY(rows.next())) blobs.push_back(TRY(read_blob(rows)));
  return blobs;
}

Status LayerIndex::add_blob(SnapshotId snapshot, std::string_view variant, const LayerBlob& blob) {
  TRY(core_->database().lock()->run(
      "INSERT OR REPLACE INTO layer_blobs(snapshot, variant, digest, media_type, size, diff_id) "
      "VALUES(?, ?, ?, ?, ?, ?)",
      snapshot.value, variant, blob.descriptor.digest.str(), blob.descriptor.media_type,
      static_cast<int64_t>(blob.descriptor.size), blob.diff_id.str()));
  return {};
}

Result<std::optional<Digest>> LayerIndex::find_content_digest(SnapshotId snapshot,
                                                              std::string_view selection) {
  auto database = core_->database().lock();
  Rows rows =
      TRY(database->query("SELECT digest FROM content_digests WHERE snapshot = ? AND selection = ?",
                          snapshot.value, selection));
  if (!TRY(rows.next())) return std::optional<Digest>();
  return std::optional<Digest>(TRY(Digest::parse(rows.view(0))));
}

Status LayerIndex::add_content_digest(SnapshotId snapshot, std::string_view selection,
                                      const Digest& digest) {
  TRY(core_->database().lock()->run(
      "INSERT OR REPLACE INTO content_digests(snapshot, selection, digest) VALUES(?, ?, ?)",
      snapshot.value, selection, digest.str()));
  return {};
}

Result<std::optional<SnapshotId>> LayerIndex::find_chain(const Digest& chain_id) {
  auto database = core_->database().lock();
  Rows rows =
      TRY(database->query("SELECT snapshot FROM chains WHERE chain_id = ?", chain_id.str()));
  if (!TRY(rows.next())) return std::optional<SnapshotId>();
  return std::optional<SnapshotId>(SnapshotId{rows.integer(0)});
}

Result<SnapshotId> LayerIndex::add_chain(const Digest& chain_id, SnapshotId snapshot) {
  auto database = core_->database().lock();
  Transaction transaction = TRY(Transaction::begin(*database));
  {
    Rows rows = TRY(database->query(
        "SELECT snapshot FROM chains WHERE chain_id = ? AND snapshot IN (SELECT id FROM snapshots)",
        chain_id.str()));
    if (TRY(rows.next())) return SnapshotId{rows.integer(0)};
  }
  TRY(database->run("INSERT OR REPLACE INTO chains(chain_id, snapshot) VALUES(?, ?)",
                    chain_id.str(), snapshot.value));
  TRY(transaction.commit());
  return snapshot;
}

Result<std::optional<SnapshotId>> LayerIndex::find_latest_copy(std::string_view name) {
  auto database = core_->database().lock();
  Rows rows = TRY(database->query("SELECT snapshot FROM latest_copies WHERE name = ?", name));
  if (!TRY(rows.next())) return std::optional<SnapshotId>();
  return std::optional(SnapshotId{rows.integer(0)});
}

Status LayerIndex::set_latest_copy(std::string_view name, SnapshotId snapshot) {
  TRY(core_->database().lock()->run(
      "INSERT OR REPLACE INTO latest_copies(name, snapshot) VALUES(?, ?)", name, snapshot.value));
  return {};
}

}  // namespace slipway::store
