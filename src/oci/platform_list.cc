#include "oci/platform_list.h"

#include "base/text.h"

namespace slipway {

Result<std::vector<Platform>> parse_platform_list(std::string_view text) {
  std::vector<Platform> platforms;
  for (const std::string& part : split(text, ',')) {
    platforms.push_back(to_lower(part) == "local" ? Platform::host() : TRY(Platform::parse(part)));
  }
  return platforms;
}

}  // namespace slipway
