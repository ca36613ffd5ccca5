#include "oci/cache_mount_artifact.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway {
namespace {

using testing::HasSubstr;

Descriptor blob(const std::string& content) {
  Descriptor descriptor;
  descriptor.media_type = media_type::kOciLayerZstd;
  descriptor.digest = Digest::sha256_of(content);
  descriptor.size = content.size();
  return descriptor;
}

std::vector<PackedCacheMount> two_mounts() {
  PackedCacheMount uv{
      "/root/.cache/uv", "", 0, 0, 0755, 3, 30, {{blob("a"), blob("raw a").digest, 1024}}};
  PackedCacheMount apt{
      "/var/cache/apt",
      blob("base").digest.str(),
      1,
      2,
      01777,
      4,
      40,
      {{blob("b"), blob("raw b").digest, 2048}, {blob("a"), blob("raw a").digest, 1024}}};
  return {apt, uv};
}

std::string refused(const std::string& config,
                    const std::vector<Descriptor>& layers = {blob("a")}) {
  const auto mounts = parse_cache_mounts(config, layers);
  return mounts ? "" : mounts.error().message();
}

TEST(CacheMountArtifact, WhatIsWrittenIsRead) {
  std::vector<PackedCacheMount> mounts = two_mounts();
  const CacheMountArtifact artifact = to_artifact(mounts);
  EXPECT_EQ(artifact.layers.size(), 2u);
  const auto read = parse_cache_mounts(artifact.config, artifact.layers);
  ASSERT_TRUE(read) << read.error().message();
  std::ranges::sort(mounts, {}, &PackedCacheMount::id);
  EXPECT_EQ(*read, mounts);
}

TEST(CacheMountArtifact, TheOrderOfTheCachesDoesNotShow) {
  std::vector<PackedCacheMount> mounts = two_mounts();
  const std::string config = to_artifact(mounts).config;
  std::ranges::reverse(mounts);
  EXPECT_EQ(to_artifact(mounts).config, config);
}

TEST(CacheMountArtifact, WhatMakesNoSenseIsRefused) {
  EXPECT_THAT(refused(R"({"version":2,"cacheMounts":[]})"), HasSubstr("version 2"));
  EXPECT_THAT(refused(R"({"version":1,"cacheMounts":[{"chunks":[{"layer":0}]}]})"),
              HasSubstr("\"id\" is missing"));
  EXPECT_THAT(refused(R"({"version":1,"cacheMounts":[{"id":"a"}]})"), HasSubstr("no \"chunks\""));
  EXPECT_THAT(refused(R"({"version":1,"cacheMounts":[{"id":"a","chunks":[{"layer":1}]}]})"),
              HasSubstr("\"layer\" is 1, but there are 1"));
  EXPECT_THAT(refused(R"({"version":1,"cacheMounts":[{"id":"a","chunks":[{"layer":-1}]}]})"),
              HasSubstr("out of range"));
  EXPECT_THAT(refused(R"({"version":1,"cacheMounts":[{"id":"a","mode":4096,"chunks":[{}]}]})"),
              HasSubstr("\"mode\" is out of range"));
  EXPECT_THAT(refused(R"({"version":1,"cacheMounts":[{"id":"a","base":"x","chunks":[{}]}]})"),
              HasSubstr("base"));
  EXPECT_THAT(refused(R"({"version":1,"cacheMounts":[{"id":"a","chunks":[{"layer":0}]}]})"),
              HasSubstr("diffId"));
  std::vector<PackedCacheMount> twice = two_mounts();
  twice.push_back(twice.front());
  const CacheMountArtifact artifact = to_artifact(twice);
  EXPECT_THAT(refused(artifact.config, artifact.layers), HasSubstr("twice"));
}

}  // namespace
}  // namespace slipway
