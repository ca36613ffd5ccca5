#include "layer/block_pipeline.h"

#include "base/guarded.h"

namespace slipway::layer {

struct BlockPipeline::Block {
  enum class State { Waiting, Taken, Packed };

  std::string raw;  // always block_bytes long
  size_t used = 0;
  std::string packed;
  Status status;
  State state = State::Waiting;  // under Shared's lock
};

struct BlockPipeline::Shared {
  struct Queue {
    std::deque<Block*> waiting;
    size_t taken = 0;
    std::vector<std::unique_ptr<BlockCodec>> idle_codecs;
  };

  explicit Shared(const StreamFormat& f) : format(f) {}

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
    block->status =
        codec->compress(std::string_view(block->raw).substr(0, block->used), block->packed);
    {
      auto lock = queue.lock();
      block->state = Block::State::Packed;
      --lock->taken;
      lock->idle_codecs.push_back(std::move(codec));
    }
    queue.notify_all();
    return true;
  }

  const StreamFormat format;
  Guarded<Queue> queue;
};

BlockPipeline::BlockPipeline(const StreamFormat& format, ThreadPool& pool,
                             store::ContentWriter& out)
    : format_(format),
      pool_(pool),
      out_(out),
      max_in_flight_(2 * pool.thread_count() + 2),
      shared_(std::make_shared<Shared>(format)) {}

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
  close_block();
  while (in_flight_.size() > max_in_flight_) TRY(write_oldest());
  return {};
}

void BlockPipeline::close_block() {
  const std::string_view raw = std::string_view(filling_->raw).substr(0, filling_->used);
  {
    auto lock = shared_->queue.lock();
    filling_->state = Block::State::Waiting;
    lock->waiting.push_back(filling_.get());
  }
  in_flight_.push_back(std::move(filling_));
  pool_.submit([shared = shared_] { shared->work_on_one(); });
  hash_.update(raw);
  if (format_.gzip_trailer) crc_ = gzip_crc(crc_, raw);
  raw_bytes_ += raw.size();
}

Status BlockPipeline::write_oldest() {
  if (!started_) TRY(out_.write(format_.prefix));
  started_ = true;
  Block& block = *in_flight_.front();
  const auto packed = [&block](const Shared::Queue&) {
    return block.state == Block::State::Packed;
  };
  while (!packed(*shared_->queue.lock())) {
    if (!shared_->work_on_one()) shared_->queue.lock().wait(packed);
  }
  TRY(std::move(block.status));
  TRY(out_.write(block.packed));
  block.used = 0;
  block.status = {};
  spare_.push_back(std::move(in_flight_.front()));
  in_flight_.pop_front();
  return {};
}

Result<BlockPipeline::Totals> BlockPipeline::finish() {
  if (filling_ && filling_->used > 0) close_block();
  while (!in_flight_.empty()) TRY(write_oldest());
  if (format_.gzip_trailer) TRY(out_.write(gzip_trailer(crc_, raw_bytes_)));
  return Totals{hash_.finish(), raw_bytes_};
}

}  // namespace slipway::layer
