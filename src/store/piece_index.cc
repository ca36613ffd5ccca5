#include "store/piece_index.h"

#include <sys/random.h>

#include <array>

namespace slipway::store {

Result<PieceKeys> PieceIndex::keys() {
  std::array<char, PieceKeys::kSecretBytes> secret;
  if (::getrandom(secret.data(), secret.size(), 0) != std::ssize(secret)) {
    return errno_error("get random bytes");
  }
  // Of several processes that find none, one makes it.
  auto database = core_->database().lock();
  TRY(database->run("INSERT OR IGNORE INTO piece_secret(id, secret) VALUES(1, CAST(? AS BLOB))",
                    std::string_view(secret.data(), secret.size())));
  Rows rows = TRY(database->query("SELECT secret FROM piece_secret"));
  if (!TRY(rows.next()) || rows.view(0).size() != PieceKeys::kSecretBytes) {
    return make_error(ErrorCode::Internal, "the store's secret for pieces is damaged");
  }
  return PieceKeys(rows.view(0));
}

Result<std::optional<Piece>> PieceIndex::find(std::string_view key) {
  auto database = core_->database().lock();
  Rows rows =
      TRY(database->query("SELECT blobs.digest, offset, length, checksum FROM pieces JOIN blobs "
                          "ON blobs.id = pieces.blob WHERE key = ?",
                          key));
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
                      piece.key, id, static_cast<int64_t>(piece.offset),
                      static_cast<int64_t>(piece.length), static_cast<int64_t>(piece.checksum)));
  }
  return transaction.commit();
}

}  // namespace slipway::store
