#include "cache/remote_cache.h"

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "oci/image_config.h"
#include "oci/json_fields.h"
#include "oci/manifest.h"

namespace slipway::cache {
namespace {

constexpr int kMaxIndexDepth = 4;
constexpr size_t kMaxManifestBytes = 8 << 20;

// Of a layer as a cache's manifest lists it; empty when nothing says it.
Digest diff_id_of(const Descriptor& layer) {
  if (auto diff_id = Digest::parse(layer.annotation_of(annotation::kUncompressed))) {
    return *std::move(diff_id);
  }
  if (layer_compression(layer.media_type) == Compression::Uncompressed) return layer.digest;
  return {};
}

std::map<Digest, CachedLayer> usable_layers(const std::vector<Descriptor>& descriptors) {
  std::map<Digest, CachedLayer> layers;
  for (const Descriptor& descriptor : descriptors) {
    if (!layer_compression(descriptor.media_type)) continue;
    Digest diff_id = diff_id_of(descriptor);
    if (!diff_id.empty())
      layers.insert_or_assign(descriptor.digest, CachedLayer{descriptor, diff_id});
  }
  return layers;
}

// Docker's and old manifests may not say what they are.
Result<bool> is_index(const std::string& text) {
  const nlohmann::json document = TRY(json_fields::parse_object(text, kMaxManifestBytes));
  return json_fields::find(document, "manifests") != nullptr;
}

Result<KeyGraph> load_config(const Descriptor& config, const std::vector<Descriptor>& layers,
                             const ReadSmallBlob& read) {
  const std::string text = TRY(read(config));
  CacheConfig parsed = TRY(parse_cache_config(text));
  return KeyGraph(std::move(parsed), usable_layers(layers));
}

Status collect(const Descriptor& target, const ReadSmallBlob& read, int depth,
               std::vector<KeyGraph>& caches) {
  const std::string text = TRY(read(target));
  if (!TRY(is_index(text))) {
    const Manifest manifest = TRY(parse_manifest(text));
    if (manifest.config.media_type == kCacheConfigType) {
      caches.push_back(TRY(load_config(manifest.config, manifest.layers, read)));
      return {};
    }
    if (manifest.layers.empty()) return {};
    const std::string config = TRY(read(manifest.config));
    std::optional<KeyGraph> found = TRY(parse_inline_cache(manifest.layers, config));
    if (found) caches.push_back(*std::move(found));
    return {};
  }
  const Index index = TRY(parse_index(text));
  for (const Descriptor& child : index.manifests) {
    if (child.media_type != kCacheConfigType) continue;
    caches.push_back(TRY(load_config(child, index.manifests, read)));
    return {};
  }
  if (depth == kMaxIndexDepth) {
    return make_error(ErrorCode::InvalidInput, "indexes are nested deeper than {}", depth);
  }
  for (const Descriptor& child : index.manifests) {
    if (!is_manifest_type(child.media_type) && !is_index_type(child.media_type)) continue;
    TRY(collect(child, read, depth + 1, caches));
  }
  return {};
}

// The times of an image's layers, as its history has them.
std::vector<std::string> layer_times(const ImageConfig& config) {
  std::vector<std::string> times;
  for (const HistoryEntry& entry : config.history) {
    if (!entry.empty_layer) times.push_back(entry.created);
  }
  return times;
}

}  // namespace

Result<std::optional<KeyGraph>> parse_inline_cache(const std::vector<Descriptor>& layers,
                                                   std::string_view config_json) {
  const ImageConfig config = TRY(parse_image_config(config_json));
  const auto member = config.unknown.find(kInlineCacheMember);
  if (member == config.unknown.end() || config.diff_ids.size() != layers.size()) {
    return std::optional<KeyGraph>();
  }
  const nlohmann::json text = nlohmann::json::parse(member->second, nullptr, false);
  const std::optional<std::string> records =
      text.is_string() ? decode_base64(text.get_ref<const std::string&>()) : std::nullopt;
  if (!records) {
    return make_error(ErrorCode::InvalidInput, "image config: {} is no base64", kInlineCacheMember);
  }
  CacheConfig cache;
  const std::vector<std::string> times = layer_times(config);
  std::map<Digest, CachedLayer> usable;
  for (size_t i = 0; i < layers.size(); ++i) {
    CachedLayer layer{layers[i], config.diff_ids[i]};
    layer.descriptor.annotations[annotation::kUncompressed] = layer.diff_id.str();
    if (i < times.size() && !times[i].empty()) {
      layer.descriptor.annotations[annotation::kCreated] = times[i];
    }
    cache.layers.push_back({layers[i].digest, static_cast<int64_t>(i) - 1});
    if (layer_compression(layers[i].media_type)) usable.emplace(layers[i].digest, std::move(layer));
  }
  cache.records = TRY(parse_cache_records(*records, layers.size()));
  return std::optional(KeyGraph(std::move(cache), std::move(usable)));
}

Result<std::vector<KeyGraph>> load_remote_cache(const Descriptor& target,
                                                const ReadSmallBlob& read) {
  std::vector<KeyGraph> caches;
  TRY(collect(target, read, 0, caches));
  return caches;
}

}  // namespace slipway::cache
