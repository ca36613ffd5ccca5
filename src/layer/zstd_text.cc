#include "layer/zstd_text.h"

#include <zstd.h>

#include "base/check.h"

namespace slipway::layer {
namespace {

Error failed(size_t code) {
  return make_error(ErrorCode::Internal, "compress: {}", ZSTD_getErrorName(code));
}

}  // namespace

ZstdText::ZstdText(int level) : context_(ZSTD_createCCtx()), out_(ZSTD_CStreamOutSize(), '\0') {
  CHECK(context_ != nullptr);
  ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, level);
}

ZstdText::~ZstdText() {
  ZSTD_freeCCtx(context_);
}

Status ZstdText::write(std::string_view text) {
  ZSTD_inBuffer in{text.data(), text.size(), 0};
  while (in.pos < in.size) {
    ZSTD_outBuffer out{out_.data(), out_.size(), 0};
    const size_t code = ZSTD_compressStream2(context_, &out, &in, ZSTD_e_continue);
    if (ZSTD_isError(code)) return failed(code);
    packed_.append(out_.data(), out.pos);
  }
  return {};
}

Result<std::string> ZstdText::finish() {
  ZSTD_inBuffer in{nullptr, 0, 0};
  for (;;) {
    ZSTD_outBuffer out{out_.data(), out_.size(), 0};
    const size_t left = ZSTD_compressStream2(context_, &out, &in, ZSTD_e_end);
    if (ZSTD_isError(left)) return failed(left);
    packed_.append(out_.data(), out.pos);
    if (left == 0) return std::move(packed_);
  }
}

}  // namespace slipway::layer
