// How a cache says where the skeletons of its layers are (layer/skeleton.h): each layer's
// descriptor names its skeleton in an annotation, and the skeletons are listed among the manifest's
// layers, where BuildKit passes over them and registries keep them. So whoever trusts the manifest
// for the layers can trust it for their skeletons.
#pragma once

#include <optional>
#include <vector>

#include "oci/descriptor.h"

namespace slipway {

inline constexpr char kLayerSkeletonType[] = "application/vnd.slipway.layer.skeleton.v1.tar+zstd";
// On a layer: digest and size of its skeleton, "sha256:... 4711".
inline constexpr char kLayerSkeletonAnnotation[] = "io.slipway.layer.skeleton";

// Sets the annotation of `layer`.
void set_skeleton(Descriptor& layer, const Descriptor& skeleton);
// As `layer` has it; nullopt: it has none, or something that is not one.
std::optional<Descriptor> skeleton_of(const Descriptor& layer);
// Of all these layers, each once.
std::vector<Descriptor> skeletons_of(const std::vector<Descriptor>& layers);

}  // namespace slipway
