#include "layer/block_pipeline.h"

#include <utility>

#include "base/guarded.h"

namespace slipway::layer {

namespace {
// Smaller blocks are compressed faster than they are looked up.
constexpr size_t kSmallestPiece = 16 << 10;
}  // namespace

struct BlockPipeline::Block {
  enum class State { Waiting, Taken, Packed };

  std::string raw;  // always block_bytes long
  size_t used = 0;
  std::string packed;
  std::string key;  // empty: no piece
  bool is_chunk = false;
  Digest digest;  // of a chunk
  uint32_t checksum = 0;
  Status status;
  State state = State::Waiting;  // under Shared's lock
};

struct BlockPipeline::Shared {
  struct Queue {
    std::deque<Block*> waiting;
    size_t taken = 0;
    std::vector<std::unique_ptr<BlockCodec>> idle_codecs;
  };

  Shared(const StreamFormat& f, PieceSource* p) : format(f), pieces(p) {}

  // Compresses the oldest block that nobody works on; false when there is none.
  bool work_on_one() {
    Block* block = nullptr;
    std::unique_ptr<BlockCodec> codec;
    {
      auto lock = queue.lock();
      if (lock->waiting.empty()) return false;
      block = lock->waiting.front();
      lock->waiting.pop_front();
      block->state = Block::State::Taken;
      ++lock->taken;
      if (!lock->idle_codecs.empty()) {
        codec = std::move(lock->idle_codecs.back());
        lock->idle_codecs.pop_back();
      }
    }
    if (!codec) codec = make_block_codec(format);
    block->status = pack(*block, *codec);
    {
      auto lock = queue.lock();
      block->state = Block::State::Packed;
      --lock->taken;
      lock->idle_codecs.push_back(std::move(codec));
    }
    queue.notify_all();
    return true;
  }

  Status pack(Block& block, BlockCodec& codec) {
    const std::string_view raw = std::string_view(block.raw).substr(0, block.used);
    if (block.is_chunk) block.digest = Digest::sha256_of(raw);
    if (pieces == nullptr || raw.size() < kSmallestPiece) return codec.compress(raw, block.packed);
    block.key = pieces->key(format, raw);
    if (!pieces->find(block.key, block.packed)) TRY(codec.compress(raw, block.packed));
    block.checksum = gzip_crc(0, block.packed);
    return {};
  }

  const StreamFormat format;
  PieceSource* const pieces;
  Guarded<Queue> queue;
};

BlockPipeline::BlockPipeline(const StreamFormat& format, ThreadPool& pool,
                             store::ContentWriter& out, PieceSource* pieces)
    : format_(format),
      pool_(pool),
      out_(out),
      max_in_flight_(pool.thread_count() + 1),
      shared_(std::make_shared<Shared>(format, pieces)) {}

BlockPipeline::~BlockPipeline() {
  auto lock = shared_->queue.lock();
  lock->waiting.clear();
  lock.wait([](const Shared::Queue& queue) { return queue.taken == 0; });
}

std::span<char> BlockPipeline::room() {
  if (!filling_ && !spare_.empty()) {
    filling_ = std::move(spare_.back());
    spare_.pop_back();
  }
  if (!filling_) {
    filling_ = std::make_unique<Block>();
    filling_->raw.resize(format_.block_bytes);
  }
  return std::span(filling_->raw).subspan(filling_->used);
}

Status BlockPipeline::advance(size_t count) {
  filling_->used += count;
  if (filling_->used < format_.block_bytes) return {};
  return close_block();
}

Status BlockPipeline::cut(size_t at_least) {
  if (!filling_ || filling_->used == 0 || filling_->used < at_least) return {};
  return close_block();
}

Status BlockPipeline::close_block() {
  hand_out_block();
  while (in_flight_.size() > max_in_flight_) TRY(write_oldest());
  return {};
}

void BlockPipeline::hand_out_block() {
  const std::string_view raw = std::string_view(filling_->raw).substr(0, filling_->used);
  filling_->is_chunk = noting_chunks_;
  {
    auto lock = shared_->queue.lock();
    filling_->state = Block::State::Waiting;
    lock->waiting.push_back(filling_.get());
  }
  in_flight_.push_back(std::move(filling_));
  pool_.submit([shared = shared_] { shared->work_on_one(); });
  count(raw);
}

void BlockPipeline::count(std::string_view raw) {
  hash_.update(raw);
  if (format_.gzip_trailer) crc_ = gzip_crc(crc_, raw);
  raw_bytes_ += raw.size();
}

Status BlockPipeline::start() {
  if (std::exchange(started_, true)) return {};
  return out_.write(format_.prefix);
}

Status BlockPipeline::write_oldest() {
  TRY(start());
  Block& block = *in_flight_.front();
  const auto packed = [&block](const Shared::Queue&) {
    return block.state == Block::State::Packed;
  };
  while (!packed(*shared_->queue.lock())) {
    if (!shared_->work_on_one()) shared_->queue.lock().wait(packed);
  }
  TRY(std::move(block.status));
  if (!block.key.empty()) {
    pieces_.push_back({block.key, out_.bytes_written(), block.packed.size(), block.checksum});
  }
  if (block.is_chunk) {
    chunks_.push_back(
        {out_.bytes_written(), block.packed.size(), block.used, std::move(block.digest)});
  }
  TRY(out_.write(block.packed));
  block.used = 0;
  block.key = {};
  block.status = {};
  spare_.push_back(std::move(in_flight_.front()));
  in_flight_.pop_front();
  return {};
}

Status BlockPipeline::flush() {
  if (filling_ && filling_->used > 0) hand_out_block();
  while (!in_flight_.empty()) TRY(write_oldest());
  return {};
}

Status BlockPipeline::append_whole(std::string_view raw) {
  TRY(flush());
  TRY(start());
  std::string packed;
  TRY(make_block_codec(format_)->compress(raw, packed));
  count(raw);
  return out_.write(packed);
}

Result<BlockPipeline::Totals> BlockPipeline::finish() {
  TRY(flush());
  if (format_.gzip_trailer) TRY(out_.write(gzip_trailer(crc_, raw_bytes_)));
  return Totals{hash_.finish(), raw_bytes_, std::move(pieces_)};
}

}  // namespace slipway::layer
