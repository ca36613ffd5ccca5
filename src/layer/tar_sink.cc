#include "layer/tar_sink.h"

#include <algorithm>
#include <cstring>

#include "base/file_io.h"

namespace slipway::layer {

Status TarSink::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::span<char> to = room();
    const size_t step = std::min(bytes.size(), to.size());
    std::memcpy(to.data(), bytes.data(), step);
    bytes.remove_prefix(step);
    TRY(advance(step));
  }
  return {};
}

Status TarSink::append_zeros(size_t count) {
  while (count > 0) {
    const std::span<char> to = room();
    const size_t step = std::min(count, to.size());
    std::memset(to.data(), 0, step);
    count -= step;
    TRY(advance(step));
  }
  return {};
}

Status FdTarSink::advance(size_t count) {
  used_ += count;
  return used_ == buffer_.size() ? flush() : Status();
}

Status FdTarSink::flush() {
  TRY(write_all(fd_, std::string_view(buffer_).substr(0, used_)));
  used_ = 0;
  return {};
}

}  // namespace slipway::layer
