#include "layer/decompress.h"

#include <unistd.h>

#include <isa-l.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace slipway::layer {
namespace {

Error damaged(std::string_view format, std::string_view how) {
  return make_error(ErrorCode::InvalidInput, "decompress {}: {}", format, how);
}

// A ByteStream of which the piece at hand can be looked at and taken in parts.
class Source {
 public:
  Source(ByteStream stream, std::string_view first) : stream_(std::move(stream)), rest_(first) {}

  // Whether there are bytes at hand, after asking for more if there were none.
  Result<bool> fill() {
    if (rest_.empty()) rest_ = TRY(stream_());
    return !rest_.empty();
  }
  std::string_view rest() const { return rest_; }
  void take(size_t count) { rest_.remove_prefix(count); }

 private:
  ByteStream stream_;
  std::string_view rest_;
};

class PlainDecompressor final : public Decompressor {
 public:
  explicit PlainDecompressor(Source source) : source_(std::move(source)) {}

  Result<size_t> read(char* to, size_t size) override {
    size_t got = 0;
    while (got < size && TRY(source_.fill())) {
      const size_t step = std::min(size - got, source_.rest().size());
      std::memcpy(to + got, source_.rest().data(), step);
      source_.take(step);
      got += step;
    }
    return got;
  }

 private:
  Source source_;
};

class GzipDecompressor final : public Decompressor {
 public:
  explicit GzipDecompressor(Source source) : source_(std::move(source)) { start_member(); }

  Result<size_t> read(char* to, size_t size) override {
    size_t got = 0;
    while (got < size && !ended_) {
      if (state_.block_state == ISAL_BLOCK_FINISH) {
        // What follows a member is another one, or nothing but zeros (padding to a tape's block).
        if (!TRY(next_member())) break;
        start_member();
      }
      const bool more = TRY(source_.fill());
      got += TRY(inflate(to + got, size - got, more));
    }
    return got;
  }

 private:
  void start_member() {
    isal_inflate_init(&state_);
    state_.crc_flag = ISAL_GZIP;
  }

  Result<bool> next_member() {
    while (TRY(source_.fill())) {
      const char first = source_.rest().front();
      if (first == '\x1f') return true;
      if (first != '\0') return damaged("gzip", "garbage after the end");
      source_.take(1);
    }
    ended_ = true;
    return false;
  }

  Result<size_t> inflate(char* to, size_t size, bool more) {
    const std::string_view in = source_.rest();
    const auto limit = [](size_t n) { return static_cast<uint32_t>(std::min<size_t>(n, 1 << 30)); };
    state_.next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(in.data()));
    state_.avail_in = limit(in.size());
    state_.next_out = reinterpret_cast<uint8_t*>(to);
    state_.avail_out = limit(size);
    const uint32_t in_before = state_.avail_in;
    const uint32_t out_before = state_.avail_out;
    const int error = isal_inflate(&state_);
    if (error < 0) return damaged("gzip", "the data is damaged");
    source_.take(in_before - state_.avail_in);
    const size_t got = out_before - state_.avail_out;
    const bool stuck = got == 0 && state_.avail_in == in_before;
    if (stuck && state_.block_state != ISAL_BLOCK_FINISH) {
      return damaged("gzip", more ? "the data is damaged" : "unexpected end");
    }
    return got;
  }

  Source source_;
  inflate_state state_;
  bool ended_ = false;
};

class ZstdDecompressor final : public Decompressor {
 public:
  explicit ZstdDecompressor(Source source)
      : source_(std::move(source)), context_(ZSTD_createDCtx()) {
    CHECK(context_ != nullptr);
    // 128 MiB of window: what zstd's own tools accept unasked, and all levels up to 22 produce.
    ZSTD_DCtx_setParameter(context_, ZSTD_d_windowLogMax, 27);
  }
  ~ZstdDecompressor() override { ZSTD_freeDCtx(context_); }

  Result<size_t> read(char* to, size_t size) override {
    ZSTD_outBuffer out{to, size, 0};
    while (out.pos < out.size) {
      const bool more = TRY(source_.fill());
      if (!more && between_frames_) break;
      ZSTD_inBuffer in{source_.rest().data(), source_.rest().size(), 0};
      const size_t before = out.pos;
      const size_t hint = ZSTD_decompressStream(context_, &out, &in);
      if (ZSTD_isError(hint)) return damaged("zstd", ZSTD_getErrorName(hint));
      source_.take(in.pos);
      between_frames_ = hint == 0;
      if (!more && out.pos == before && !between_frames_) return damaged("zstd", "unexpected end");
    }
    return out.pos;
  }

 private:
  Source source_;
  ZSTD_DCtx* context_;
  bool between_frames_ = true;
};

}  // namespace

Result<std::unique_ptr<Decompressor>> make_decompressor(ByteStream stream) {
  const std::string_view first = TRY(stream());
  Source source(std::move(stream), first);
  if (first.starts_with("\x1f\x8b")) {
    return std::unique_ptr<Decompressor>(std::make_unique<GzipDecompressor>(std::move(source)));
  }
  // A frame, or one of the sixteen kinds of skippable frame (zstd:chunked starts with none).
  const bool skippable =
      first.size() >= 4 && (first[0] & 0xf0) == 0x50 && first.substr(1, 3) == "\x2a\x4d\x18";
  if (first.starts_with("\x28\xb5\x2f\xfd") || skippable) {
    return std::unique_ptr<Decompressor>(std::make_unique<ZstdDecompressor>(std::move(source)));
  }
  return std::unique_ptr<Decompressor>(std::make_unique<PlainDecompressor>(std::move(source)));
}

ByteStream fd_stream(int fd) {
  return [fd, buffer = std::string(256 * 1024, '\0')]() mutable -> Result<std::string_view> {
    for (;;) {
      const ssize_t got = ::read(fd, buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return errno_error("read");
      return std::string_view(buffer).substr(0, static_cast<size_t>(got));
    }
  };
}

}  // namespace slipway::layer
