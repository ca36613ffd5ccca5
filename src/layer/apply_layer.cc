#include "layer/decompress.h"
#include "layer/diff.h"
#include "layer/layer_unpacker.h"
#include "layer/prefetch.h"
#include "layer/tar_reader.h"

namespace slipway::layer {

Result<AppliedLayer> apply_layer(int blob_fd, const std::filesystem::path& directory,
                                 const ApplyOptions& options, std::stop_token stop) {
  return apply_layer(fd_stream(blob_fd), directory, options, std::move(stop));
}

Result<AppliedLayer> apply_layer(ByteStream blob, const std::filesystem::path& directory,
                                 const ApplyOptions& options, std::stop_token stop) {
  HashingPrefetch stream(TRY(make_decompressor(std::move(blob))), std::move(stop));
  uint64_t read = 0;
  TarReader reader([&]() -> Result<std::string_view> {
    const std::string_view piece = TRY(stream.next());
    read += piece.size();
    if (read <= options.max_tar_bytes) return piece;
    return make_error(ErrorCode::InvalidInput,
                      "unpack layer: it is longer than the {} bytes it should have",
                      options.max_tar_bytes);
  });
  LayerUnpacker unpacker = TRY(LayerUnpacker::create(directory, options));
  while (const std::optional<TarEntry> entry = TRY(reader.next())) {
    TRY(unpacker.add(*entry, reader));
  }
  TRY(reader.drain());
  AppliedLayer applied;
  applied.implied_directories = TRY(unpacker.finish());
  applied.diff_id = stream.digest();
  applied.tar_bytes = stream.bytes();
  return applied;
}

}  // namespace slipway::layer
