// PieceSource: compressed pieces that blobs of the store hold already, for one layer that is being
// written.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/guarded.h"
#include "base/unique_fd.h"
#include "layer/block_codec.h"
#include "store/content_store.h"
#include "store/piece_index.h"

namespace slipway::layer {

// What a piece is known by: all that decides its compressed bytes.
Digest piece_key(const StreamFormat& format, std::string_view raw);

class PieceSource {
 public:
  // Both outlive it.
  PieceSource(store::PieceIndex& index, store::ContentStore& content)
      : index_(index), content_(content) {}

  // Replaces `packed` by the piece; false when no blob has it undamaged. Thread-safe.
  bool find(const Digest& key, std::string& packed);

 private:
  // The blob, open; null when it is gone. What is open stays readable whoever removes it.
  std::shared_ptr<const UniqueFd> open(const Digest& blob);

  store::PieceIndex& index_;
  store::ContentStore& content_;
  // Co-owned by reads under way.
  Guarded<std::map<Digest, std::shared_ptr<const UniqueFd>>> blobs_;
};

}  // namespace slipway::layer
