// Platform: os/architecture/variant, as containerd/platforms spells and normalises them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace slipway {

struct Platform {
  std::string os;
  std::string architecture;
  std::string variant;
  std::string os_version;
  std::vector<std::string> os_features;

  // "linux/arm64/v8", "amd64", "linux(10.0.1)/amd64": missing parts come from the host.
  static Result<Platform> parse(std::string_view text);
  static Platform host();

  // "linux/arm64" or "linux/arm/v7": normalised, without the OS version.
  std::string str() const;
  // The same with version and features of the OS: "windows(10.0.17763)/amd64".
  std::string full_str() const;
  Platform normalized() const;
  // Whether an image of platform `image` can serve this one (amd64 variants, arm32 on arm64 not
  // included).
  bool matches(const Platform& image) const;

  bool operator==(const Platform&) const = default;
};

}  // namespace slipway
