// PieceKeys: what pieces of layers are looked up by (piece_index.h).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace slipway::store {

// Keys are compared within one store and never leave it, so a universal hash with a secret will do:
// Poly1305 (RFC 8439, 2.5), three times as fast as SHA-256. Who does not know the secret finds two
// pieces of a megabyte with one key with a probability of 2^-87 for each pair that is tried
// (Bernstein, "The Poly1305-AES message-authentication code", theorem 3.3), and is never told a
// key.
class PieceKeys {
 public:
  static constexpr size_t kSecretBytes = 32;
  // `secret`: random bytes, kSecretBytes.
  explicit PieceKeys(std::string_view secret);

  // 32 hex digits. `maker` names all that decides what becomes of `raw`, without a line break.
  // Thread-safe.
  std::string of(std::string_view maker, std::string_view raw) const;

 private:
  struct Context;
  std::shared_ptr<const Context> context_;  // immutable; copies share it
};

}  // namespace slipway::store
