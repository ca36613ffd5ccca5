// Descriptor: a typed, sized pointer to content (OCI image-spec descriptor.md).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "oci/digest.h"
#include "oci/platform.h"

namespace slipway {

namespace media_type {
inline constexpr char kOciIndex[] = "application/vnd.oci.image.index.v1+json";
inline constexpr char kOciManifest[] = "application/vnd.oci.image.manifest.v1+json";
inline constexpr char kOciConfig[] = "application/vnd.oci.image.config.v1+json";
inline constexpr char kOciLayer[] = "application/vnd.oci.image.layer.v1.tar";
inline constexpr char kOciLayerGzip[] = "application/vnd.oci.image.layer.v1.tar+gzip";
inline constexpr char kOciLayerZstd[] = "application/vnd.oci.image.layer.v1.tar+zstd";
inline constexpr char kDockerManifestList[] =
    "application/vnd.docker.distribution.manifest.list.v2+json";
inline constexpr char kDockerManifest[] = "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr char kDockerConfig[] = "application/vnd.docker.container.image.v1+json";
inline constexpr char kDockerLayer[] = "application/vnd.docker.image.rootfs.diff.tar";
inline constexpr char kDockerLayerGzip[] = "application/vnd.docker.image.rootfs.diff.tar.gzip";
inline constexpr char kDockerLayerZstd[] = "application/vnd.docker.image.rootfs.diff.tar.zstd";
}  // namespace media_type

namespace annotation {
// In the index of a layout: the tag of an image, or its whole name.
inline constexpr char kRefName[] = "org.opencontainers.image.ref.name";
// On the layers of build caches.
inline constexpr char kUncompressed[] = "containerd.io/uncompressed";  // the diff id
inline constexpr char kCreated[] = "buildkit/createdat";       // when its step ended, RFC 3339
inline constexpr char kLayerPart[] = "io.slipway.layer.part";  // of a split layer: "2/5 opt/venv"
}  // namespace annotation

struct Descriptor {
  std::string media_type;
  Digest digest;
  uint64_t size = 0;  // bytes
  std::map<std::string, std::string> annotations;
  std::optional<Platform> platform;
  std::string artifact_type;

  bool operator==(const Descriptor&) const = default;
  // The value of an annotation; empty when it is not there.
  std::string annotation_of(const std::string& name) const;
};

enum class Compression { Uncompressed, Gzip, Zstd };

// By media type, OCI's or Docker's; NotFound-like nullopt for anything that is no layer.
std::optional<Compression> layer_compression(std::string_view layer_media_type);
std::string layer_media_type(Compression compression, bool oci_types);

}  // namespace slipway
