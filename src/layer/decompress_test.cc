#include "layer/decompress.h"

#include <gtest/gtest.h>

#include "layer/block_codec.h"
#include "layer/test_content.h"

namespace slipway::layer {
namespace {

std::string sample(size_t size) {
  std::string text;
  for (uint32_t i = 0; text.size() < size; ++i)
    text += fmt::format("{} {:x}\n", i, i * 2654435761u);
  text.resize(size);
  return text;
}

// As BlockPipeline joins blocks, on one thread.
std::string compress(LayerFormat compression, int level, std::string_view text) {
  const StreamFormat format = *stream_format(compression, level);
  const std::unique_ptr<BlockCodec> codec = make_block_codec(format);
  std::string stream(format.prefix);
  for (size_t at = 0; at < text.size(); at += format.block_bytes) {
    std::string packed;
    EXPECT_TRUE(codec->compress(text.substr(at, format.block_bytes), packed));
    stream += packed;
  }
  if (format.gzip_trailer) stream += gzip_trailer(gzip_crc(0, text), text.size());
  return stream;
}

Result<std::string> decompress(std::string_view bytes) {
  const UniqueFd fd = memory_file(bytes);
  const std::unique_ptr<Decompressor> stream = TRY(make_decompressor(fd_stream(fd.get())));
  std::string text;
  char buffer[10000];
  while (const size_t got = TRY(stream->read(buffer, sizeof buffer))) text.append(buffer, got);
  return text;
}

TEST(Decompressor, ReadsEveryFormatAndLevelWeWrite) {
  const std::string text = sample(3'000'000);
  for (const int level : {-1, 0, 1, 2, 3, 4, 6, 9}) {
    const std::string packed = compress(LayerFormat::Gzip, level, text);
    EXPECT_TRUE(*decompress(packed) == text) << level;
    EXPECT_TRUE(level == 0 || packed.size() < text.size() / 2) << level;
  }
  for (const int level : {-1, 0, 3, 19}) {
    EXPECT_TRUE(*decompress(compress(LayerFormat::Zstd, level, text)) == text) << level;
  }
  EXPECT_TRUE(*decompress(text) == text);
}

TEST(Decompressor, RefusesLevelsThatDoNotExist) {
  EXPECT_EQ(stream_format(LayerFormat::Gzip, 10).error().code(), ErrorCode::InvalidInput);
  EXPECT_EQ(stream_format(LayerFormat::Zstd, 23).error().code(), ErrorCode::InvalidInput);
}

TEST(Decompressor, RefusesWhatIsDamaged) {
  const std::string text = sample(100'000);
  for (const LayerFormat compression : {LayerFormat::Gzip, LayerFormat::Zstd}) {
    const std::string good = compress(compression, -1, text);
    EXPECT_FALSE(decompress(good.substr(0, good.size() - 1)));
    EXPECT_FALSE(decompress(good.substr(0, good.size() / 2)));
    std::string flipped = good;
    flipped[good.size() / 2] = static_cast<char>(flipped[good.size() / 2] ^ 0x10);
    EXPECT_FALSE(decompress(flipped));
    EXPECT_FALSE(decompress(good + "garbage"));
  }
}

TEST(Decompressor, TakesZerosAfterGzip) {
  const std::string text = sample(1000);
  EXPECT_EQ(*decompress(compress(LayerFormat::Gzip, 1, text) + std::string(512, '\0')), text);
}

}  // namespace
}  // namespace slipway::layer
