// The databases of package managers. The first byte chooses the parser; whatever it finds has a
// name, a version and a place in an SPDX document that is JSON.
#include <cstdint>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "packages/databases.h"
#include "packages/spdx.h"

using namespace slipway;
using namespace slipway::packages;

namespace {

std::vector<Package> parse(uint8_t kind, std::string_view text) {
  switch (kind % 5) {
    case 0:
      return parse_dpkg_status(text);
    case 1:
      return parse_apk_installed(text);
    case 2:
      if (const auto package = parse_python_metadata(text)) return {*package};
      break;
    case 3:
      if (const auto package = parse_npm_package(text); package && *package) return {**package};
      break;
    default:
      if (const auto package = parse_rpm_header(text)) return {*package};
      break;
  }
  return {};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  Inventory inventory;
  inventory.packages = parse(data[0], text);
  inventory.distribution = parse_os_release(text);
  for (const Package& package : inventory.packages) {
    CHECK(!package.name.empty() && !package.version.empty());
  }
  CHECK(nlohmann::json::accept(spdx_document(inventory, {"sbom", "fuzz", 0})));
  return 0;
}
