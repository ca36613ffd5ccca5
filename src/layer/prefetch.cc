#include "layer/prefetch.h"

namespace slipway::layer {

HashingPrefetch::HashingPrefetch(std::unique_ptr<Decompressor> source, std::stop_token stop)
    : source_(std::move(source)), stop_(std::move(stop)), thread_([this] { produce(); }) {}

HashingPrefetch::~HashingPrefetch() {
  progress_.lock()->abandoned = true;
  progress_.notify_all();
  thread_.join();
}

void HashingPrefetch::produce() {
  for (size_t index = 0;; ++index) {
    {
      auto progress = progress_.lock();
      progress.wait(
          [](const Progress& p) { return p.abandoned || p.produced - p.consumed < kPieces; });
      if (progress->abandoned) return;
    }
    std::string& piece = pieces_[index % kPieces];
    piece.resize(kPieceBytes);
    Result<size_t> got = stop_.stop_requested()
                             ? Result<size_t>(make_error(ErrorCode::Cancelled, "cancelled"))
                             : source_->read(piece.data(), piece.size());
    {
      auto progress = progress_.lock();
      progress->ended = !got || *got == 0;
      if (!got) {
        progress->status = std::move(got).error();
      } else if (*got > 0) {
        sizes_[index % kPieces] = *got;
        ++progress->produced;
      }
      if (progress->ended) {
        progress_.notify_all();
        return;
      }
    }
    progress_.notify_all();
  }
}

// On the reader's thread, so that decompressing and hashing go on at the same time.
Result<std::string_view> HashingPrefetch::next() {
  const std::string_view piece = TRY(take());
  hash_.update(piece);
  bytes_ += piece.size();
  if (piece.empty() && digest_.empty()) digest_ = hash_.finish();
  return piece;
}

Result<std::string_view> HashingPrefetch::take() {
  auto progress = progress_.lock();
  if (holding_) {
    holding_ = false;
    ++progress->consumed;
    progress_.notify_all();
  }
  progress.wait([](const Progress& p) { return p.ended || p.produced > p.consumed; });
  if (progress->produced == progress->consumed) {
    TRY(progress->status);
    return std::string_view();
  }
  holding_ = true;
  const size_t index = progress->consumed % kPieces;
  return std::string_view(pieces_[index]).substr(0, sizes_[index]);
}

}  // namespace slipway::layer
