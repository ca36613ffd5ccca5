// Decompressor: the raw bytes of a layer blob, whatever it is compressed with. Hostile input:
// memory is bounded and every malformed stream is an InvalidInput error.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "layer/tar_reader.h"

namespace slipway::layer {

class Decompressor {
 public:
  virtual ~Decompressor() = default;
  // Fills `to` as far as the stream goes; 0 at its end.
  virtual Result<size_t> read(char* to, size_t size) = 0;
};

// gzip (any number of members), zstd (any number of frames), or none, by the first bytes of
// `source`.
Result<std::unique_ptr<Decompressor>> make_decompressor(ByteStream source);

// The bytes of a descriptor that the stream does not own, from its current offset.
ByteStream fd_stream(int fd);

}  // namespace slipway::layer
