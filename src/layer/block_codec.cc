#include "layer/block_codec.h"

#include <isa-l.h>
#include <libdeflate.h>
#include <zstd.h>

#include <array>
#include <vector>

#include <fmt/format.h>

#include "base/check.h"

namespace slipway::layer {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

// Part of the format of our layers: a change changes their digests.
constexpr size_t kGzipBlock = 1 << 20;
// Each zstd frame starts without history, which costs more at its higher ratio.
constexpr size_t kZstdBlock = 2 << 20;
constexpr int kDefaultGzipLevel = 1;
// 1.2 % larger than BuildKit's default, 1.5 times as fast as level 3 (docs/layers.md).
constexpr int kDefaultZstdLevel = 2;

// No name, no time, flags 0, "unknown" operating system: what gzip -n and Go write.
constexpr std::string_view kGzipHeader = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"sv;

class StoredCodec final : public BlockCodec {
 public:
  Status compress(std::string_view raw, std::string& packed) override {
    packed.assign(raw);
    return {};
  }
};

// ISA-L, 300-400 MB/s a core. A block becomes a run of deflate blocks that ends at a byte boundary
// and refers to nothing before it (full flush): such runs simply follow each other in one member.
// (As members of their own, its blocks are not always the same bytes: estargz is libdeflate's.)
class IsalCodec final : public BlockCodec {
 public:
  explicit IsalCodec(int level)
      : level_(static_cast<uint32_t>(level)), level_buffer_(kLevelBytes[level]) {}

  Status compress(std::string_view raw, std::string& packed) override {
    packed.resize(raw.size() + raw.size() / 8 + 65536);
    isal_deflate_init(&stream_);
    stream_.level = level_;
    stream_.level_buf = level_buffer_.data();
    stream_.level_buf_size = static_cast<uint32_t>(level_buffer_.size());
    stream_.gzip_flag = IGZIP_DEFLATE;
    stream_.flush = FULL_FLUSH;
    stream_.next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(raw.data()));
    stream_.avail_in = static_cast<uint32_t>(raw.size());
    stream_.next_out = reinterpret_cast<uint8_t*>(packed.data());
    stream_.avail_out = static_cast<uint32_t>(packed.size());
    const int error = isal_deflate(&stream_);
    CHECK(error == COMP_OK && stream_.avail_in == 0 && stream_.avail_out != 0);
    packed.resize(packed.size() - stream_.avail_out);
    return {};
  }

 private:
  static constexpr size_t kLevelBytes[] = {ISAL_DEF_LVL0_DEFAULT, ISAL_DEF_LVL1_DEFAULT,
                                           ISAL_DEF_LVL2_DEFAULT, ISAL_DEF_LVL3_DEFAULT};
  uint32_t level_;
  std::vector<uint8_t> level_buffer_;
  isal_zstream stream_{};
};

// libdeflate, for the levels that want size. It only makes whole streams: each block is a gzip
// member of its own (RFC 1952, 2.2: members follow each other).
class DeflateCodec final : public BlockCodec {
 public:
  explicit DeflateCodec(int level) : compressor_(libdeflate_alloc_compressor(level)) {
    CHECK(compressor_ != nullptr);
  }
  ~DeflateCodec() override { libdeflate_free_compressor(compressor_); }

  Status compress(std::string_view raw, std::string& packed) override {
    packed.resize(libdeflate_gzip_compress_bound(compressor_, raw.size()));
    const size_t size =
        libdeflate_gzip_compress(compressor_, raw.data(), raw.size(), packed.data(), packed.size());
    CHECK(size != 0);
    packed.resize(size);
    return {};
  }

 private:
  libdeflate_compressor* compressor_;
};

// A zstd frame for each block (RFC 8878, 3: frames follow each other).
class ZstdCodec final : public BlockCodec {
 public:
  explicit ZstdCodec(int level) : context_(ZSTD_createCCtx()) {
    CHECK(context_ != nullptr);
    CHECK(!ZSTD_isError(ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, level)));
    CHECK(!ZSTD_isError(ZSTD_CCtx_setParameter(context_, ZSTD_c_checksumFlag, 1)));
  }
  ~ZstdCodec() override { ZSTD_freeCCtx(context_); }

  Status compress(std::string_view raw, std::string& packed) override {
    packed.resize(ZSTD_compressBound(raw.size()));
    const size_t size =
        ZSTD_compress2(context_, packed.data(), packed.size(), raw.data(), raw.size());
    if (ZSTD_isError(size)) {
      return make_error(ErrorCode::Internal, "compress: {}", ZSTD_getErrorName(size));
    }
    packed.resize(size);
    return {};
  }

 private:
  ZSTD_CCtx* context_;
};

Error bad_level(const char* format, int level, int highest) {
  return make_error(ErrorCode::InvalidInput, "compression level {} is not between 0 and {} ({})",
                    level, highest, format);
}

// Levels 1 to 3 of gzip are ISA-L's; 0 (stored) and the slow ones are libdeflate's.
bool uses_isal(LayerFormat format, int level) {
  return format == LayerFormat::Gzip && level >= 1 && level <= 3;
}

}  // namespace

std::string StreamFormat::name() const {
  switch (compression) {
    case LayerFormat::Uncompressed:
      return "tar";
    // The libraries' versions too: their authors promise readable bytes, not equal ones.
    case LayerFormat::Gzip:
    case LayerFormat::Estargz:
      if (!uses_isal(compression, level)) {
        return fmt::format("gzip:{}:libdeflate-{}", level, LIBDEFLATE_VERSION_STRING);
      }
      return fmt::format("gzip:{}:isal-{}.{}.{}", level, ISAL_MAJOR_VERSION, ISAL_MINOR_VERSION,
                         ISAL_PATCH_VERSION);
    case LayerFormat::Zstd:
    case LayerFormat::ZstdChunked:
      return fmt::format("zstd:{}:{}", level, ZSTD_VERSION_STRING);
  }
  CHECK(false);
}

Result<StreamFormat> stream_format(LayerFormat compression, int level) {
  switch (compression) {
    case LayerFormat::Uncompressed:
      return StreamFormat{compression, 0, kGzipBlock, {}, false};
    case LayerFormat::Gzip:
    case LayerFormat::Estargz: {
      if (level < -1 || level > 9) return bad_level("gzip", level, 9);
      if (level == -1) level = kDefaultGzipLevel;
      if (!uses_isal(compression, level)) {
        return StreamFormat{compression, level, kGzipBlock, {}, false};
      }
      return StreamFormat{compression, level, kGzipBlock, kGzipHeader, true};
    }
    case LayerFormat::Zstd:
    case LayerFormat::ZstdChunked:
      if (level < -1 || level > 22) return bad_level("zstd", level, 22);
      return StreamFormat{
          compression, level == -1 ? kDefaultZstdLevel : level, kZstdBlock, {}, false};
  }
  CHECK(false);
}

std::unique_ptr<BlockCodec> make_block_codec(const StreamFormat& format) {
  switch (format.compression) {
    case LayerFormat::Uncompressed:
      return std::make_unique<StoredCodec>();
    case LayerFormat::Gzip:
    case LayerFormat::Estargz:
      if (uses_isal(format.compression, format.level)) {
        return std::make_unique<IsalCodec>(format.level);
      }
      return std::make_unique<DeflateCodec>(format.level);
    case LayerFormat::Zstd:
    case LayerFormat::ZstdChunked:
      return std::make_unique<ZstdCodec>(format.level);
  }
  CHECK(false);
}

uint32_t gzip_crc(uint32_t crc, std::string_view bytes) {
  return crc32_gzip_refl(crc, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

std::string gzip_trailer(uint32_t crc, uint64_t raw_bytes) {
  // An empty last deflate block with fixed codes, then CRC-32 and size modulo 2^32, little-endian.
  std::string trailer = "\x03\x00"s;
  for (const uint32_t word : {crc, static_cast<uint32_t>(raw_bytes)}) {
    for (int shift = 0; shift < 32; shift += 8) trailer += static_cast<char>(word >> shift);
  }
  return trailer;
}

}  // namespace slipway::layer
