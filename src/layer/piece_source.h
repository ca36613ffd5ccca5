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

class PieceSource {
 public:
  // Index and content outlive it; `keys` are those of the index.
  PieceSource(store::PieceIndex& index, store::PieceKeys keys, store::ContentStore& content)
      : index_(index), keys_(std::move(keys)), content_(content) {}

  // What a piece is known by: all that decides its compressed bytes. Thread-safe.
  std::string key(const StreamFormat& format, std::string_view raw) const;

  // Replaces `packed` by the piece; false when no blob has it undamaged. Thread-safe.
  bool find(std::string_view key, std::string& packed);

 private:
  // The blob, open; null when it is gone. What is open stays readable whoever removes it.
  std::shared_ptr<const UniqueFd> open(const Digest& blob);

  store::PieceIndex& index_;
  const store::PieceKeys keys_;
  store::ContentStore& content_;
  // Co-owned by reads under way.
  Guarded<std::map<Digest, std::shared_ptr<const UniqueFd>>> blobs_;
};

}  // namespace slipway::layer
