#include "store/piece_index.h"

namespace slipway::store {

Result<std::optional<Piece>> PieceIndex::find(const Digest& key) {
  auto database = core_->database().lock();
  Rows rows =
      TRY(database->query("SELECT blobs.digest, offset, length, checksum FROM pieces JOIN blobs "
                          "ON blobs.id = pieces.blob WHERE key = ?",
                          key.hex()));
  if (!TRY(rows.next())) return std::optional<Piece>();
  Piece piece;
  piece.blob = TRY(Digest::parse(rows.view(0)));
  piece.offset = static_cast<uint64_t>(rows.integer(1));
  piece.length = static_cast<uint64_t>(rows.integer(2));
  piece.checksum = static_cast<uint32_t>(rows.integer(3));
  return std::optional(std::move(piece));
}

Status PieceIndex::add(const Digest& blob, const std::vector<KeyedPiece>& pieces) {
  if (pieces.empty()) return {};
  auto database = core_->database().lock();
  Transaction transaction = TRY(Transaction::begin(*database));
  int64_t id = 0;
  {
    Rows rows = TRY(database->query("SELECT id FROM blobs WHERE digest = ?", blob.str()));
    if (!TRY(rows.next())) return {};
    id = rows.integer(0);
  }
  for (const KeyedPiece& piece : pieces) {
    TRY(
        database->run("INSERT OR REPLACE INTO pieces(key, blob, offset, length, checksum) "
                      "VALUES(?, ?, ?, ?, ?)",
                      piece.key.hex(), id, static_cast<int64_t>(piece.offset),
                      static_cast<int64_t>(piece.length), static_cast<int64_t>(piece.checksum)));
  }
  return transaction.commit();
}

}  // namespace slipway::store
