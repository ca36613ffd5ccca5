// Manifests, indexes and image configs: what parses prints as a text that parses to the same. The
// first byte chooses the parser.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "oci/image_config.h"
#include "oci/manifest.h"

using namespace slipway;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      if (const auto manifest = parse_manifest(text)) {
        const auto again = parse_manifest(to_json(*manifest));
        CHECK(again && *again == *manifest);
      }
      break;
    case 1:
      if (const auto index = parse_index(text)) {
        const auto again = parse_index(to_json(*index));
        CHECK(again && *again == *index);
      }
      break;
    case 2:
      if (const auto config = parse_image_config(text)) {
        const std::string printed = to_json(*config);
        const auto again = parse_image_config(printed);
        CHECK(again && to_json(*again) == printed);
      }
      break;
    default:
      break;
  }
  return 0;
}
