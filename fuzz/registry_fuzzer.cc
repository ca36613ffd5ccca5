// What registries and credential files say. The first byte chooses the parser.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/base64.h"
#include "registry/challenge.h"
#include "registry/credentials.h"
#include "registry/http.h"

using namespace slipway::registry;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0:
      (void)parse_challenges(text);
      break;
    case 1:
      (void)parse_credential_file(text).has_value();
      break;
    case 2:
      (void)slipway::decode_base64(text);
      break;
    case 3:
      (void)is_loopback_host(url_host(text));
      break;
    default:
      break;
  }
  return 0;
}
