// TarSink: where tar bytes go. The writer fills the sink's own buffer, so file data is copied once,
// by read(2).
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "layer/tar_entry.h"

namespace slipway::layer {

class TarSink {
 public:
  virtual ~TarSink() = default;
  // Room for the next bytes, at least one. Valid until advance().
  virtual std::span<char> room() = 0;
  // The first `count` bytes of room() were filled.
  virtual Status advance(size_t count) = 0;
  // A place where the content before has nothing to do with what follows. A sink that works in
  // blocks ends the one that it is filling if that has at least so many bytes.
  virtual Status cut(size_t /*at_least*/) { return {}; }
  // Writes the header of a member. Its data, if it has any, is what comes next, then the padding.
  virtual Status member(const TarEntry& entry) { return append(encode_tar_header(entry)); }

  Status append(std::string_view bytes);
  Status append_zeros(size_t count);
};

// Writes to a descriptor that it does not own.
class FdTarSink final : public TarSink {
 public:
  explicit FdTarSink(int fd) : fd_(fd), buffer_(1 << 20, '\0') {}
  std::span<char> room() override { return std::span(buffer_).subspan(used_); }
  Status advance(size_t count) override;
  Status flush();

 private:
  int fd_;
  size_t used_ = 0;
  std::string buffer_;
};

}  // namespace slipway::layer
