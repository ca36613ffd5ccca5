// TocSink: cuts a tar stream so that every file can be read without what is before it, and notes
// where what lies. What comes in goes to the pipeline unchanged.
//
//   header │ data of a file, in chunks of a block each │ padding, headers … │ data of the next file
#pragma once

#include <cstdint>
#include <vector>

#include "layer/block_pipeline.h"
#include "layer/tar_sink.h"
#include "layer/tar_split.h"
#include "layer/toc.h"

namespace slipway::layer {

class TocSink final : public TarSink {
 public:
  // Both outlive it; `tar_split` may be null.
  TocSink(BlockPipeline& pipeline, TarSplit* tar_split)
      : pipeline_(pipeline), tar_split_(tar_split) {}

  std::span<char> room() override;
  Status advance(size_t count) override;
  // Data has blocks of its own, whatever its size, and what is between is short.
  Status cut(size_t /*at_least*/) override { return {}; }
  // Unsupported for names that JSON cannot hold.
  Status member(const TarEntry& entry) override;

  // Of what came so far; their chunks are in the pipeline once it is flushed.
  const std::vector<TocEntry>& entries() const { return entries_; }

 private:
  void take_data(std::string_view bytes);
  Status end_data();

  BlockPipeline& pipeline_;
  TarSplit* tar_split_;
  std::vector<TocEntry> entries_;
  size_t chunks_ = 0;       // of all entries
  uint64_t data_left_ = 0;  // of the last entry
  uint64_t crc_ = 0;        // of its data so far
  Sha256 hash_;             // the same, where it has several chunks
};

}  // namespace slipway::layer
