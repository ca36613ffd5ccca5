// ZstdText: a text that is compressed into memory while it is being written. One zstd frame; its
// bytes depend on the text, the level and the calls.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

struct ZSTD_CCtx_s;

namespace slipway::layer {

class ZstdText {
 public:
  explicit ZstdText(int level);
  ~ZstdText();
  ZstdText(const ZstdText&) = delete;
  ZstdText& operator=(const ZstdText&) = delete;

  Status write(std::string_view text);
  // So far; more may be on its way.
  size_t packed_bytes() const { return packed_.size(); }
  Result<std::string> finish();

 private:
  ZSTD_CCtx_s* context_;
  std::string out_;
  std::string packed_;
};

}  // namespace slipway::layer
