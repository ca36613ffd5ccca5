#include "oci/layer_skeleton.h"

#include <charconv>
#include <set>

#include <fmt/format.h>

namespace slipway {
namespace {

// "sha256:... 4711"
std::optional<Descriptor> parse_skeleton(std::string_view text) {
  const size_t space = text.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  Result<Digest> digest = Digest::parse(text.substr(0, space));
  if (!digest) return std::nullopt;
  Descriptor skeleton;
  skeleton.media_type = kLayerSkeletonType;
  skeleton.digest = *std::move(digest);
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + space + 1, end, skeleton.size);
  if (error != std::errc() || stop != end) return std::nullopt;
  return skeleton;
}

}  // namespace

void set_skeleton(Descriptor& layer, const Descriptor& skeleton) {
  layer.annotations[kLayerSkeletonAnnotation] =
      fmt::format("{} {}", skeleton.digest.str(), skeleton.size);
}

std::optional<Descriptor> skeleton_of(const Descriptor& layer) {
  return parse_skeleton(layer.annotation_of(kLayerSkeletonAnnotation));
}

std::vector<Descriptor> skeletons_of(const std::vector<Descriptor>& layers) {
  std::vector<Descriptor> skeletons;
  std::set<Digest> listed;
  for (const Descriptor& layer : layers) {
    const std::optional<Descriptor> skeleton = skeleton_of(layer);
    if (skeleton && listed.insert(skeleton->digest).second) skeletons.push_back(*skeleton);
  }
  return skeletons;
}

}  // namespace slipway
