// BlockPipeline: turns a stream of bytes into a compressed blob on many threads.
//
//   caller fills a block ──► compressed by whoever is free ──► caller writes it, in order
//
// Blocks end where the writer of the archive says that the content changes (cut()), or when they
// are full. So a block of a file depends on nothing but the file's content, and one that a blob of
// the store holds already is copied from there (piece_source.h) instead of being compressed.
//
// The caller hashes each block when it is full and writes the oldest one when it is packed; while
// that one is not, the caller compresses too instead of waiting. So nothing depends on the pool
// making progress, and a pool of any size gives the same bytes.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "base/thread_pool.h"
#include "layer/block_codec.h"
#include "layer/piece_source.h"
#include "layer/tar_sink.h"
#include "store/content_store.h"

namespace slipway::layer {

// A block of a file's data, for a table of contents.
struct Chunk {
  uint64_t offset = 0;     // in the blob
  uint64_t length = 0;     // in the blob
  uint64_t raw_bytes = 0;  // that it stands for
  Digest digest;           // of those
};

class BlockPipeline final : public TarSink {
 public:
  // `out`, `pool` and `pieces` (null: none) outlive the pipeline.
  BlockPipeline(const StreamFormat& format, ThreadPool& pool, store::ContentWriter& out,
                PieceSource* pieces);
  // Waits for blocks that other threads are working on.
  ~BlockPipeline() override;

  std::span<char> room() override;
  Status advance(size_t count) override;
  Status cut(size_t at_least) override;
  // Whether blocks that end from here on are noted in chunks().
  void note_chunks(bool wanted) { noting_chunks_ = wanted; }
  // Writes all that came.
  Status flush();
  // flush(), then one block of whatever length, which the caller compresses.
  Status append_whole(std::string_view raw);

  struct Totals {
    Digest raw_digest;
    uint64_t raw_bytes = 0;
    // Where which piece lies in the blob, for the next PieceSource.
    std::vector<store::KeyedPiece> pieces;
  };
  // Writes all that is left and ends the stream.
  Result<Totals> finish();

  // Of what was written, in order.
  const std::vector<Chunk>& chunks() const { return chunks_; }
  const StreamFormat& format() const { return format_; }

 private:
  struct Block;
  struct Shared;
  Status close_block();
  void hand_out_block();
  void count(std::string_view raw);
  Status start();
  Status write_oldest();

  const StreamFormat format_;
  ThreadPool& pool_;
  store::ContentWriter& out_;
  const size_t max_in_flight_;
  std::shared_ptr<Shared> shared_;  // co-owned by work in the pool that may start after we are gone
  std::deque<std::unique_ptr<Block>> in_flight_;  // oldest first
  std::vector<std::unique_ptr<Block>> spare_;
  std::unique_ptr<Block> filling_;
  std::vector<store::KeyedPiece> pieces_;
  std::vector<Chunk> chunks_;
  bool noting_chunks_ = false;
  Sha256 hash_;
  uint32_t crc_ = 0;
  uint64_t raw_bytes_ = 0;
  bool started_ = false;
};

}  // namespace slipway::layer
