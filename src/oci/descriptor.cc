#include "oci/descriptor.h"

#include <algorithm>
#include <array>

namespace slipway {
namespace {

struct LayerType {
  const char* media_type;
  Compression compression;
  bool oci;
};

constexpr std::array<LayerType, 6> kLayerTypes = {{
    {media_type::kOciLayer, Compression::Uncompressed, true},
    {media_type::kOciLayerGzip, Compression::Gzip, true},
    {media_type::kOciLayerZstd, Compression::Zstd, true},
    {media_type::kDockerLayer, Compression::Uncompressed, false},
    {media_type::kDockerLayerGzip, Compression::Gzip, false},
    {media_type::kDockerLayerZstd, Compression::Zstd, false},
}};

// Layers that a registry may not hold itself; found in Windows images and in old private ones.
constexpr std::array<LayerType, 4> kForeignLayerTypes = {{
    {"application/vnd.oci.image.layer.nondistributable.v1.tar", Compression::Uncompressed, true},
    {"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", Compression::Gzip, true},
    {"application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", Compression::Zstd, true},
    {"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", Compression::Gzip, false},
}};

}  // namespace

std::string Descriptor::annotation_of(const std::string& name) const {
  const auto found = annotations.find(name);
  return found == annotations.end() ? std::string() : found->second;
}

std::optional<Compression> layer_compression(std::string_view layer_media_type) {
  for (const LayerType& type : kLayerTypes) {
    if (layer_media_type == type.media_type) return type.compression;
  }
  for (const LayerType& type : kForeignLayerTypes) {
    if (layer_media_type == type.media_type) return type.compression;
  }
  return std::nullopt;
}

std::string layer_media_type(Compression compression, bool oci_types) {
  const auto* type = std::ranges::find_if(kLayerTypes, [&](const LayerType& candidate) {
    return candidate.compression == compression && candidate.oci == oci_types;
  });
  return type->media_type;
}

}  // namespace slipway
