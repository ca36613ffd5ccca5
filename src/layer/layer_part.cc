#include "layer/layer_part.h"

#include <algorithm>

#include "layer/name_hash.h"

namespace slipway::layer {
namespace {

// "Foo_Bar-1.0.dist-info" and "foo_bar.libs" are "foo_bar".
std::string distribution_name(std::string_view name) {
  if (name.ends_with(".dist-info") || name.ends_with(".egg-info")) {
    name = name.substr(0, name.find('-'));
  }
  if (name.ends_with(".libs")) name.remove_suffix(5);
  std::string lower(name);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

bool in_bucket(const LayerPart& part, std::string_view parent_path, std::string_view name) {
  return part.kind != LayerPart::Kind::Subtree || part.buckets == 1 || parent_path != part.root ||
         bucket_of(name, part.buckets) == part.bucket;
}

}  // namespace

uint64_t bucket_of(std::string_view name, uint64_t buckets) {
  return name_hash(distribution_name(name)) % buckets;
}

Held held_below(const LayerPart& part, std::string_view parent_path, std::string_view name,
                const std::string& path, Held parent) {
  if (parent != Held::Everything) return parent;
  if (part.elsewhere.contains(path)) {
    return part.kind == LayerPart::Kind::Rest ? Held::DirectoriesOnly : Held::Nothing;
  }
  return in_bucket(part, parent_path, name) ? Held::Everything : Held::Nothing;
}

bool holds_file(const LayerPart& part, std::string_view parent_path, std::string_view name,
                const std::string& path, Held parent) {
  const bool apart = part.linked_apart && part.linked_apart->contains(path);
  if (part.kind == LayerPart::Kind::Rest) return apart || parent == Held::Everything;
  return !apart && in_bucket(part, parent_path, name);
}

}  // namespace slipway::layer
