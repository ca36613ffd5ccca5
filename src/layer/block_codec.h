// BlockCodec: compresses one block at a time, so that blocks can be compressed in any order and by
// any thread, and joined into one stream that every reader of the format takes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "oci/layer_format.h"

namespace slipway::layer {

// One instance serves one thread at a time; its memory is reused from block to block.
class BlockCodec {
 public:
  virtual ~BlockCodec() = default;
  // Replaces `packed` by the compressed form of `raw`.
  virtual Status compress(std::string_view raw, std::string& packed) = 0;
};

// How blocks become a stream. Of a seekable layer, every block is a gzip member or zstd frame.
struct StreamFormat {
  LayerFormat compression = LayerFormat::Gzip;
  int level = -1;             // valid for the compression
  size_t block_bytes = 0;     // of raw data at most; the bytes of the stream depend on it
  std::string_view prefix;    // before the first block
  bool gzip_trailer = false;  // after the last: end of the one gzip member, CRC-32 and size

  // What decides a block's compressed bytes, for people and for keys: "gzip:1:isal". Formats whose
  // blocks are the same have the same name.
  std::string name() const;
};

// -1 chooses the default of the format. InvalidInput for a level that the format does not have.
Result<StreamFormat> stream_format(LayerFormat compression, int level);
std::unique_ptr<BlockCodec> make_block_codec(const StreamFormat& format);

// CRC-32 as gzip wants it; start with 0.
uint32_t gzip_crc(uint32_t crc, std::string_view bytes);
std::string gzip_trailer(uint32_t crc, uint64_t raw_bytes);

}  // namespace slipway::layer
