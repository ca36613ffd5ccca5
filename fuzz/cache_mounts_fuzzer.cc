// Configs of cache mount artifacts: what parses prints as a text that parses to the same.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "oci/cache_mount_artifact.h"

using namespace slipway;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<Descriptor> layers(3);
  for (Descriptor& layer : layers)
    layer.digest = Digest::sha256_of(std::to_string(&layer - &layers[0]));
  const auto mounts = parse_cache_mounts(text, layers);
  if (!mounts) return 0;
  const CacheMountArtifact artifact = to_artifact(*mounts);
  const auto again = parse_cache_mounts(artifact.config, artifact.layers);
  CHECK(again && *again == *mounts);
  return 0;
}
