#include "oci/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway {
namespace {

using testing::HasSubstr;

// As BuildKit v0.34 prints a manifest with one layer.
constexpr char kManifest[] = R"({
  "schemaVersion": 2,
  "mediaType": "application/vnd.oci.image.manifest.v1+json",
  "config": {
    "mediaType": "application/vnd.oci.image.config.v1+json",
    "digest": "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "size": 3
  },
  "layers": [
    {
      "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
      "digest": "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "size": 0,
      "annotations": {
        "a": "\u003cb\u003e \u0026 \"c\"",
        "é": "\u2028"
      }
    }
  ]
})";

constexpr char kIndex[] = R"({
  "schemaVersion": 2,
  "mediaType": "application/vnd.oci.image.index.v1+json",
  "manifests": [
    {
      "mediaType": "application/vnd.oci.image.manifest.v1+json",
      "digest": "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      "size": 3,
      "platform": {
        "architecture": "arm",
        "os": "linux",
        "variant": "v7"
      }
    }
  ]
})";

TEST(Manifest, PrintsWhatItParsed) {
  const Result<Manifest> manifest = parse_manifest(kManifest);
  ASSERT_TRUE(manifest) << manifest.error().message();
  EXPECT_EQ(manifest->layers.at(0).annotations.at("a"), "<b> & \"c\"");
  EXPECT_EQ(to_json(*manifest), kManifest);
}

TEST(Manifest, WithoutLayersPrintsNull) {
  Manifest manifest = *parse_manifest(kManifest);
  manifest.layers.clear();
  EXPECT_THAT(to_json(manifest), HasSubstr("  \"layers\": null\n}"));
}

TEST(Index, PrintsWhatItParsed) {
  const Result<Index> index = parse_index(kIndex);
  ASSERT_TRUE(index) << index.error().message();
  EXPECT_EQ(index->manifests.at(0).platform->variant, "v7");
  EXPECT_EQ(to_json(*index), kIndex);
}

TEST(Descriptor, PrintsOnOneLine) {
  EXPECT_EQ(to_json(parse_manifest(kManifest)->config),
            R"({"mediaType":"application/vnd.oci.image.config.v1+json",)"
            R"("digest":"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",)"
            R"("size":3})");
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  return text.replace(text.find(from), from.size(), to);
}

TEST(Manifest, RefusesMalformedInput) {
  struct Case {
    std::string text;
    const char* message;
  };
  for (const Case& broken : {
           Case{"", "parse JSON"},
           Case{"[]", "not an object"},
           Case{std::string(200000, '['), "nested deeper"},
           Case{replaced(kManifest, ": 2", ": 1"), "schema 1"},
           Case{replaced(kManifest, ": 2", ": 3"), "schemaVersion"},
           Case{replaced(kManifest, "\"size\": 3", "\"size\": -3"), "negative"},
           Case{replaced(kManifest, "\"size\": 3", "\"size\": 1e3"), "\"size\" must be"},
           Case{replaced(kManifest, "\"size\": 3", "\"size\": 18446744073709551615"),
                "\"size\" must be"},
           Case{replaced(kManifest, "sha256:ba", "sha256:../"), "parse digest"},
           Case{replaced(kManifest, "\"config\"", "\"x\""), "\"config\" is missing"},
           Case{replaced(kManifest, "\"layers\"", "\"manifests\": [], \"layers\""),
                "must not have \"manifests\""},
           Case{replaced(kManifest, "image.manifest.v1", "image.index.v1"), "mediaType"},
           Case{replaced(kManifest, "\"size\": 3", "\"size\": 3, \"x\": \"\xff\""), "parse JSON"},
       }) {
    const Result<Manifest> manifest = parse_manifest(broken.text);
    ASSERT_FALSE(manifest) << broken.text;
    EXPECT_THAT(manifest.error().message(), HasSubstr(broken.message));
  }
  EXPECT_FALSE(parse_index(kManifest));
  EXPECT_FALSE(parse_manifest(kIndex));
}

TEST(Descriptor, LayerMediaTypesRoundTrip) {
  for (const bool oci : {true, false}) {
    for (const Compression compression :
         {Compression::Uncompressed, Compression::Gzip, Compression::Zstd}) {
      EXPECT_EQ(layer_compression(layer_media_type(compression, oci)), compression);
    }
  }
  EXPECT_EQ(layer_compression(media_type::kOciConfig), std::nullopt);
}

}  // namespace
}  // namespace slipway
