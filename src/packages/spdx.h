// An inventory as an SPDX 2.3 document in JSON (spdx.github.io/spdx-spec/v2.3).
#pragma once

#include <cstdint>
#include <string>

#include "packages/package.h"

namespace slipway::packages {

inline constexpr char kSpdxPredicateType[] = "https://spdx.dev/Document";

struct SpdxOptions {
  std::string name;     // of the document
  std::string creator;  // "slipway-1.0"
  int64_t created = 0;  // seconds since the epoch
};

// The same inventory and options give the same bytes.
std::string spdx_document(const Inventory& inventory, const SpdxOptions& options);

// A package's name for other tools: "pkg:deb/debian/bash@5.2?arch=amd64&distro=debian-12".
std::string package_url(const Package& package, const Distribution& distribution);

}  // namespace slipway::packages
