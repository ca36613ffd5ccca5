// BlobSink: takes the bytes of a blob as they come: in order, or in parts that come side by side.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace slipway {

class BlobSink {
 public:
  virtual ~BlobSink() = default;
  // The next bytes, those after all that have come.
  virtual Status write(std::string_view bytes) = 0;
  // Bytes further on. Called on several threads at once, for different parts. What comes so counts
  // only when reached() tells; it may come again until then.
  virtual Status write_at(uint64_t offset, std::string_view bytes) = 0;
  // All bytes before `end` have come. Not called beside write(); beside write_at() of later bytes.
  virtual Status reached(uint64_t end) = 0;
};

}  // namespace slipway
