// Layer blobs: decompression and the tar reader, as apply_layer() uses them.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "layer/decompress.h"
#include "layer/tar_reader.h"

using namespace slipway;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  // Small pieces cross every boundary there is.
  const auto pieces = [rest = input]() mutable -> Result<std::string_view> {
    const std::string_view piece = rest.substr(0, std::min<size_t>(rest.size(), 97));
    rest.remove_prefix(piece.size());
    return piece;
  };
  const Result<std::unique_ptr<layer::Decompressor>> stream = layer::make_decompressor(pieces);
  if (!stream) return 0;
  std::string buffer(4096, '\0');
  size_t budget = 8 << 20;  // a few bytes can stand for gigabytes
  layer::TarReader reader([&]() -> Result<std::string_view> {
    const Result<size_t> got = (*stream)->read(buffer.data(), std::min(budget, buffer.size()));
    if (!got) return got.error();
    budget -= *got;
    return std::string_view(buffer).substr(0, *got);
  });
  for (;;) {
    const Result<std::optional<layer::TarEntry>> entry = reader.next();
    if (!entry || !*entry) return 0;
    (void)layer::encode_tar_header(**entry);
  }
}
