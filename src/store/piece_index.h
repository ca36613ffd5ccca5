// PieceIndex: which piece of which blob is the compressed form of some content. Layers are joined
// from pieces that are compressed by themselves (layer/block_pipeline.h), so what one blob holds
// can be copied into the next instead of being compressed again. Nothing is kept twice: a piece is
// a place in a blob that the store has anyway, and goes with it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "oci/digest.h"
#include "store/core.h"
#include "store/piece_keys.h"

namespace slipway::store {

struct Piece {
  Digest blob;
  uint64_t offset = 0;
  uint64_t length = 0;
  uint32_t checksum = 0;  // of its bytes; by whoever wrote it
};

// A piece of a blob under the key that it is looked up by.
struct KeyedPiece {
  std::string key;  // of keys()
  uint64_t offset = 0;
  uint64_t length = 0;
  uint32_t checksum = 0;
};

class PieceIndex {
 public:
  explicit PieceIndex(std::shared_ptr<Core> core) : core_(std::move(core)) {}

  // The keys of this store. Thread-safe.
  Result<PieceKeys> keys();
  // Its blob may be removed at any moment. Thread-safe.
  Result<std::optional<Piece>> find(std::string_view key);
  // What `blob` consists of. A key that is known already moves to this blob: the newest lives
  // longest. A blob that is gone already is no error. Thread-safe.
  Status add(const Digest& blob, const std::vector<KeyedPiece>& pieces);

 private:
  const std::shared_ptr<Core> core_;  // co-owned with the other parts of the store
};

}  // namespace slipway::store
