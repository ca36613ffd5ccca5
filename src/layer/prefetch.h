// A Decompressor that runs ahead of its reader on a thread of its own; what comes out is hashed.
#pragma once

#include <array>
#include <condition_variable>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "base/guarded.h"
#include "layer/decompress.h"
#include "oci/digest.h"

namespace slipway::layer {

class HashingPrefetch {
 public:
  HashingPrefetch(std::unique_ptr<Decompressor> source, std::stop_token stop);
  // Ends the thread, whether the stream was read to its end or not.
  ~HashingPrefetch();

  // The next piece, empty at the end; valid until the next call.
  Result<std::string_view> next();

  // After next() gave the empty piece: what all pieces together were.
  Digest digest() const { return digest_; }
  uint64_t bytes() const { return bytes_; }

 private:
  static constexpr size_t kPieces = 6;
  static constexpr size_t kPieceBytes = 1 << 20;

  // Pieces produced and consumed so far; the ring is full when they are kPieces apart.
  struct Progress {
    size_t produced = 0;
    size_t consumed = 0;
    bool ended = false;      // nothing comes after `produced`
    bool abandoned = false;  // the reader has gone
    Status status;
  };
  void produce();
  Result<std::string_view> take();

  std::unique_ptr<Decompressor> source_;
  std::stop_token stop_;
  std::array<std::string, kPieces> pieces_;
  std::array<size_t, kPieces> sizes_{};
  Guarded<Progress> progress_;
  bool holding_ = false;  // the reader still looks at the piece that next() gave last
  Sha256 hash_;
  Digest digest_;
  uint64_t bytes_ = 0;
  std::thread thread_;
};

}  // namespace slipway::layer
