// TarSplit: an archive without the data of its files, from which, together with the unpacked files,
// the very same archive can be made again: vbatts/tar-split's lines of JSON. Readers of
// zstd:chunked that fetch single files need it, because an image's config names the whole archive.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "layer/tar_entry.h"
#include "layer/zstd_text.h"

namespace slipway::layer {

class TarSplit {
 public:
  explicit TarSplit(int level) : text_(level) {}

  // The next bytes of the archive that are no data: headers, padding, the end.
  void add_raw(std::string_view bytes) { raw_ += bytes; }
  // After the header of any member and its data, which has this CRC-64.
  Status add_file(const TarEntry& entry, uint64_t crc);

  struct Packed {
    std::string bytes;       // a zstd frame
    uint64_t raw_bytes = 0;  // that it stands for
  };
  Result<Packed> finish();

  // CRC-64 (ISO 3309) as Go's hash/crc64 has it; start with 0.
  static uint64_t crc(uint64_t crc, std::string_view bytes);

 private:
  Status write(std::string line);
  Status write_raw();

  ZstdText text_;
  std::string raw_;  // since the last member
  uint64_t raw_bytes_ = 0;
  int64_t position_ = 0;
};

}  // namespace slipway::layer
