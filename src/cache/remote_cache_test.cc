#include "cache/remote_cache.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "oci/image_config.h"
#include "oci/manifest.h"

namespace slipway::cache {
namespace {

// Small blobs by digest, as a registry has them.
class RemoteCacheTest : public testing::Test {
 protected:
  Descriptor put(const std::string& bytes, const std::string& media_type) {
    Descriptor descriptor;
    descriptor.media_type = media_type;
    descriptor.digest = Digest::sha256_of(bytes);
    descriptor.size = bytes.size();
    blobs_[descriptor.digest] = bytes;
    return descriptor;
  }
  Descriptor layer(const std::string& text) {
    Descriptor descriptor;
    descriptor.media_type = media_type::kOciLayerGzip;
    descriptor.digest = Digest::sha256_of(text);
    descriptor.annotations[annotation::kUncompressed] = Digest::sha256_of(text + " diff").str();
    return descriptor;
  }
  Descriptor cache_config(const Descriptor& of_layer) {
    CacheConfig config;
    config.layers = {{of_layer.digest, -1}};
    config.records = {{record_digest(op_, 0), {}, {{0, "2026-01-01T00:00:00Z"}}, {}}};
    return put(to_json(config), kCacheConfigType);
  }
  Result<std::vector<KeyGraph>> load(const Descriptor& target) {
    return load_remote_cache(target, [this](const Descriptor& wanted) -> Result<std::string> {
      const auto blob = blobs_.find(wanted.digest);
      if (blob != blobs_.end()) return blob->second;
      return make_error(ErrorCode::NotFound, "no blob");
    });
  }
  static std::optional<LayerStack> result_of(const KeyGraph& graph) {
    return graph.result(graph.find({op_, 1, {}}, [](const Digest&) { return nullptr; }));
  }

  static inline const Digest op_ = Digest::sha256_of("op");
  std::map<Digest, std::string> blobs_;
};

TEST_F(RemoteCacheTest, AnImageManifestIsRead) {
  Manifest manifest;
  manifest.media_type = media_type::kOciManifest;
  manifest.layers = {layer("a")};
  manifest.config = cache_config(manifest.layers[0]);
  const auto caches = load(put(to_json(manifest), manifest.media_type));
  ASSERT_TRUE(caches) << caches.error().message();
  ASSERT_EQ(caches->size(), 1u);
  const auto result = result_of(caches->at(0));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->diff_ids, std::vector{Digest::sha256_of("a diff")});
}

TEST_F(RemoteCacheTest, AnIndexIsReadWhateverItsTypeIsSaidToBe) {
  Index index;
  index.media_type = media_type::kDockerManifestList;
  index.manifests = {layer("a"), cache_config(layer("a"))};
  const auto caches = load(put(to_json(index), ""));
  ASSERT_TRUE(caches) << caches.error().message();
  ASSERT_EQ(caches->size(), 1u);
  EXPECT_TRUE(result_of(caches->at(0)));
}

TEST_F(RemoteCacheTest, AnInlineCacheIsReadFromAnImage) {
  ImageConfig config;
  config.platform = Platform::host();
  config.diff_ids = {Digest::sha256_of("a diff")};
  HistoryEntry entry;
  entry.created = "2026-02-02T00:00:00Z";
  config.history = {entry};
  const std::vector<ConfigRecord> records = {
      {record_digest(op_, 0), {}, {{0, "2026-01-01T00:00:00Z"}}, {}}};
  config.unknown[kInlineCacheMember] = "\"" + encode_base64(to_json(records)) + "\"";
  Manifest manifest;
  manifest.media_type = media_type::kOciManifest;
  manifest.config = put(to_json(config), media_type::kOciConfig);
  manifest.layers = {layer("a")};
  manifest.layers[0].annotations.clear();
  Index index;
  index.media_type = media_type::kOciIndex;
  index.manifests = {put(to_json(manifest), media_type::kOciManifest)};
  const auto caches = load(put(to_json(index), media_type::kOciIndex));
  ASSERT_TRUE(caches) << caches.error().message();
  ASSERT_EQ(caches->size(), 1u);
  const auto result = result_of(caches->at(0));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->layers[0].annotations.at(annotation::kCreated), entry.created);
}

TEST_F(RemoteCacheTest, AnImageWithoutACacheHasNone) {
  ImageConfig config;
  config.platform = Platform::host();
  config.diff_ids = {Digest::sha256_of("a diff")};
  Manifest manifest;
  manifest.media_type = media_type::kOciManifest;
  manifest.config = put(to_json(config), media_type::kOciConfig);
  manifest.layers = {layer("a")};
  const auto caches = load(put(to_json(manifest), media_type::kOciManifest));
  ASSERT_TRUE(caches) << caches.error().message();
  EXPECT_TRUE(caches->empty());
}

TEST_F(RemoteCacheTest, ALayerWithoutADiffIdCannotBeUsed) {
  Manifest manifest;
  manifest.media_type = media_type::kOciManifest;
  manifest.layers = {layer("a")};
  manifest.layers[0].annotations.clear();
  manifest.config = cache_config(manifest.layers[0]);
  const auto caches = load(put(to_json(manifest), manifest.media_type));
  ASSERT_TRUE(caches) << caches.error().message();
  EXPECT_FALSE(result_of(caches->at(0)));
}

}  // namespace
}  // namespace slipway::cache
