// For the tests of the conversion: images that all exist, and comparison with the official
// frontend's output (refllb -mode json).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "frontend/dockerfile/convert.h"

namespace slipway::dockerfile {

// Every image exists, with the digest of its name and a config that has PATH and CMD.
class StubImages : public ImageResolver {
 public:
  std::vector<Result<ResolvedImage>> resolve(std::span<const ImageQuery> queries) override;

  std::vector<std::string> asked;  // references, in order
  int calls = 0;
  std::vector<std::string> on_build;  // of every image
  std::string missing;                // a reference that does not exist
};

// On linux/amd64, with the ignore file that BuildKit would take.
ConvertOptions options_for(const std::filesystem::path& dockerfile);
// "target=x", "build-arg:X=y", ...: the attributes of BuildKit's frontend. Named contexts "local:X"
// are folders beside the Dockerfile.
void apply_option(ConvertOptions& options, const std::string& option,
                  const std::filesystem::path& folder);

Result<Conversion> convert_text(const std::string& text, ConvertOptions options = {});

// What differs from `golden`, one result of refllb's, or nothing. Ignored: ids that are random
// there and what only the exporter knows.
std::string difference(const Conversion& conversion, const nlohmann::json& golden);

}  // namespace slipway::dockerfile
