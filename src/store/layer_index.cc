#include "store/layer_index.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "oci/json_fields.h"
#include "oci/json_writer.h"

namespace slipway::store {
namespace {

constexpr size_t kMostAnnotationBytes = 64 << 10;

Result<std::map<std::string, std::string>> parse_annotations(std::string_view text) {
  std::map<std::string, std::string> annotations;
  const nlohmann::json object = TRY(json_fields::parse_object(text, kMostAnnotationBytes));
  for (const auto& [name, value] : object.items()) {
    if (value.is_string()) annotations[name] = value.get<std::string>();
  }
  return annotations;
}

// A row of digest, media_type, size, diff_id, label, outline, inodes, annotations.
Result<LayerBlob> read_blob(const Rows& rows) {
  LayerBlob blob;
  blob.descriptor.digest = TRY(Digest::parse(rows.view(0)));
  blob.descriptor.media_type = rows.text(1);
  blob.descriptor.size = static_cast<uint64_t>(rows.integer(2));
  blob.diff_id = TRY(Digest::parse(rows.view(3)));
  blob.label = rows.text(4);
  if (!rows.view(5).empty()) blob.outline = TRY(Digest::parse(rows.view(5)));
  if (!rows.view(6).empty()) blob.inodes = TRY(Digest::parse(rows.view(6)));
  blob.descriptor.annotations = TRY(parse_annotations(rows.view(7)));
  return blob;
}

Result<std::vector<LayerBlob>> read_blobs(Rows rows) {
  std::vector<LayerBlob> blobs;
  while (TRY(rows.next())) blobs.push_back(TRY(read_blob(rows)));
  return blobs;
}

}  // namespace

Digest chain_id(const Digest& parent, const Digest& diff_id) {
  if (parent.empty()) return diff_id;
  return Digest::sha256_of(parent.str() + " " + diff_id.str());
}

Result<std::optional<LayerBlob>> LayerIndex::find_blob(SnapshotId snapshot,
                                                       std::string_view variant) {
  std::vector<LayerBlob> blobs = TRY(find_parts(snapshot, variant));
  if (blobs.size() != 1) return std::optional<LayerBlob>();
  return std::optional(std::move(blobs.front()));
}

Result<std::vector<LayerBlob>> LayerIndex::find_parts(SnapshotId snapshot,
                                                      std::string_view variant) {
  auto database = core_->database().lock();
  return read_blobs(TRY(database->query(
      "SELECT digest, media_type, size, diff_id, label, outline, inodes, annotations"
      " FROM layer_blobs WHERE snapshot = ? AND variant = ? ORDER BY part",
      snapshot.value, variant)));
}

Result<std::vector<LayerBlob>> LayerIndex::blobs_of(SnapshotId snapshot) {
  auto database = core_->database().lock();
  return read_blobs(TRY(database->query(
      "SELECT digest, media_type, size, diff_id, label, outline, inodes, annotations"
      " FROM layer_blobs WHERE snapshot = ?",
      snapshot.value)));
}

Result<std::vector<LayerBlob>> LayerIndex::parts_like(const Digest& outline) {
  auto database = core_->database().lock();
  return read_blobs(TRY(database->query(
      "SELECT DISTINCT digest, media_type, size, diff_id, label, outline, inodes, annotations"
      " FROM layer_blobs WHERE outline = ? AND outline <> ''",
      outline.str())));
}

Status LayerIndex::add_blob(SnapshotId snapshot, std::string_view variant, const LayerBlob& blob) {
  return add_parts(snapshot, variant, {blob});
}

Status LayerIndex::add_parts(SnapshotId snapshot, std::string_view variant,
                             const std::vector<LayerBlob>& parts) {
  auto database = core_->database().lock();
  Transaction transaction = TRY(Transaction::begin(*database));
  TRY(database->run("DELETE FROM layer_blobs WHERE snapshot = ? AND variant = ?", snapshot.value,
                    variant));
  int64_t number = 0;
  for (const LayerBlob& part : parts) {
    TRY(
        database->run("INSERT INTO layer_blobs(snapshot, variant, part, label, outline, digest, "
                      "media_type, size, diff_id, inodes, annotations) "
                      "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                      snapshot.value, variant, number++, part.label, part.outline.str(),
                      part.descriptor.digest.str(), part.descriptor.media_type,
                      static_cast<int64_t>(part.descriptor.size), part.diff_id.str(),
                      part.inodes.str(), JsonWriter().map(part.descriptor.annotations).take()));
  }
  return transaction.commit();
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
    if (TRY(rows.next())) {
      const SnapshotId first{rows.integer(0)};
      // A snapshot that has lost its directory must not keep the new one from being used.
      if (::access(core_->layout().snapshot(first.value).c_str(), F_OK) == 0) return first;
    }
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
