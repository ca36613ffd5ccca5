// zstd:chunked (containers/storage, pkg/chunked): the archive in zstd frames, one for each chunk;
// then, in frames that decoders skip, a table of contents, what restores the archive (tar_split.h),
// and a footer that says where the two are.
#include <fmt/format.h>

#include "base/check.h"
#include "layer/seekable_layer.h"
#include "layer/toc_sink.h"

namespace slipway::layer {
namespace {

constexpr uint32_t kSkippable = 0x184d2a50;  // RFC 8878, 3.1.2
constexpr size_t kFrameHeader = 8;
constexpr uint64_t kTocType = 1;  // CRFS's
constexpr std::string_view kMagic = "GNUlInUx";

void append_little_endian(std::string& bytes, uint64_t value, int width) {
  for (int i = 0; i < width; ++i) bytes += static_cast<char>(value >> (8 * i));
}

// Where the content of a skippable frame lies.
struct Frame {
  uint64_t offset = 0;
  uint64_t length = 0;
  uint64_t raw_bytes = 0;
};

Result<Frame> write_skippable(std::string_view content, uint64_t raw_bytes,
                              store::ContentWriter& out) {
  if (content.size() > UINT32_MAX) {
    return make_error(ErrorCode::Unsupported,
                      "write layer: the table of contents of {} bytes is too big for zstd:chunked",
                      content.size());
  }
  std::string header;
  append_little_endian(header, kSkippable, 4);
  append_little_endian(header, content.size(), 4);
  CHECK(header.size() == kFrameHeader);
  const Frame frame{out.bytes_written() + kFrameHeader, content.size(), raw_bytes};
  TRY(out.write(header));
  TRY(out.write(content));
  return frame;
}

std::string footer(const Frame& toc, const Frame& tar_split) {
  std::string bytes;
  for (const uint64_t value : {toc.offset, toc.length, toc.raw_bytes, kTocType, tar_split.offset,
                               tar_split.length, tar_split.raw_bytes}) {
    append_little_endian(bytes, value, 8);
  }
  bytes += kMagic;
  return bytes;
}

std::string place(const Frame& frame) {
  return fmt::format("{}:{}:{}", frame.offset, frame.length, frame.raw_bytes);
}

}  // namespace

Result<SeekableLayer> write_zstd_chunked(const WriteTar& write_tar, BlockPipeline& pipeline,
                                         store::ContentWriter& out) {
  TarSplit split(pipeline.format().level);
  TocSink sink(pipeline, &split);
  TRY(write_tar(sink));
  SeekableLayer layer;
  layer.totals = TRY(pipeline.finish());

  const TarSplit::Packed tar_split = TRY(split.finish());
  const Digest tar_split_digest = Digest::sha256_of(tar_split.bytes);
  const std::string toc =
      toc_json(LayerFormat::ZstdChunked, sink.entries(), pipeline.chunks(), tar_split_digest);
  std::string packed_toc;
  TRY(make_block_codec(pipeline.format())->compress(toc, packed_toc));
  const Frame toc_frame = TRY(write_skippable(packed_toc, toc.size(), out));
  const Frame split_frame = TRY(write_skippable(tar_split.bytes, tar_split.raw_bytes, out));
  TRY(write_skippable(footer(toc_frame, split_frame), 0, out));

  layer.annotations[annotation::kChunkedToc] = Digest::sha256_of(packed_toc).str();
  layer.annotations[annotation::kChunkedTocPlace] =
      fmt::format("{}:{}", place(toc_frame), kTocType);
  layer.annotations[annotation::kTarSplit] = tar_split_digest.str();
  layer.annotations[annotation::kTarSplitPlace] = place(split_frame);
  return layer;
}

}  // namespace slipway::layer
