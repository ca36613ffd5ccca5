// Package URLs (github.com/package-url/purl-spec): names of packages of any kind.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "oci/platform.h"
#include "oci/reference.h"

namespace slipway {

struct Purl {
  std::string type;   // "deb"
  std::string space;  // "debian", "group/team"; may be empty
  std::string name;
  std::string version;                            // may be empty
  std::map<std::string, std::string> qualifiers;  // empty values are left out

  // "pkg:deb/debian/bash@5.2?arch=amd64"
  std::string str() const;
};

// An image as BuildKit's attestations name it: "pkg:docker/busybox@latest?platform=linux%2Famd64".
Purl image_purl(const Reference& image, const std::optional<Platform>& platform);

}  // namespace slipway
