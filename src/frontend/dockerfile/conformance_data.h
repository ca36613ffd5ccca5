// Where the conformance data lies, for tests; it is no part of the repository.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

namespace slipway::dockerfile {

// $SLIPWAY_CONFORMANCE, or shared/conformance beside or above the repository.
inline std::optional<std::filesystem::path> conformance_data(const std::string& part) {
  namespace fs = std::filesystem;
  const fs::path source = SLIPWAY_SOURCE_DIR;
  if (const char* named = std::getenv("SLIPWAY_CONFORMANCE")) {
    return fs::exists(fs::path(named) / part) ? std::optional(fs::path(named) / part)
                                              : std::nullopt;
  }
  for (const char* folder : {"../shared/conformance", "../../shared/conformance"}) {
    if (fs::exists(source / folder / part)) return source / folder / part;
  }
  return std::nullopt;
}

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace slipway::dockerfile
