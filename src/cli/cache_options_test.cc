#include "cli/cache_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::cli {
namespace {

using testing::HasSubstr;

std::string refused_source(const bake::Fields& fields) {
  const auto source = parse_cache_source(fields, "/work");
  return source ? "" : std::string(source.error().message());
}
std::string refused_target(const bake::Fields& fields) {
  const auto target = parse_cache_target(fields, "/work");
  return target ? "" : std::string(target.error().message());
}

TEST(CacheOptions, SourcesAreImagesAndDirectories) {
  const auto registry = parse_cache_source({{"type", "registry"}, {"ref", "host:5000/app"}}, "/");
  ASSERT_TRUE(registry) << registry.error().message();
  EXPECT_EQ(registry->name(), "host:5000/app:latest");
  const auto local =
      parse_cache_source({{"type", "local"}, {"src", "cache"}, {"tag", "ci"}}, "/work");
  ASSERT_TRUE(local) << local.error().message();
  EXPECT_EQ(local->name(), "/work/cache:ci");
}

TEST(CacheOptions, DefaultsAreBuildKits) {
  const auto target = parse_cache_target({{"type", "registry"}, {"ref", "app"}}, "/");
  ASSERT_TRUE(target) << target.error().message();
  EXPECT_FALSE(target->all_steps);
  EXPECT_TRUE(target->image_manifest);
  EXPECT_TRUE(target->oci_types);
  EXPECT_FALSE(target->compression);
  EXPECT_FALSE(target->ignore_error);
}

TEST(CacheOptions, DockersTypesMeanAnIndex) {
  bake::Fields fields = {{"type", "registry"}, {"ref", "app"}, {"oci-mediatypes", "false"}};
  EXPECT_FALSE(parse_cache_target(fields, "/")->image_manifest);
  fields["image-manifest"] = "true";
  EXPECT_THAT(refused_target(fields), HasSubstr("needs oci-mediatypes=true"));
}

TEST(CacheOptions, AllThatBuildKitKnowsIsRead) {
  const auto target = parse_cache_target({{"type", "local"},
                                          {"dest", "/cache"},
                                          {"mode", "max"},
                                          {"compression", "estargz"},
                                          {"compression-level", "3"},
                                          {"force-compression", "true"},
                                          {"ignore-error", "true"}},
                                         "/");
  ASSERT_TRUE(target) << target.error().message();
  EXPECT_TRUE(target->all_steps);
  EXPECT_EQ(target->compression, LayerFormat::Estargz);
  EXPECT_EQ(target->compression_level, 3);
  EXPECT_TRUE(target->force_compression);
  EXPECT_TRUE(target->ignore_error);
}

TEST(CacheOptions, CacheMountsTravelWithAWholeCacheOrWhenAsked) {
  const auto bytes = [](bake::Fields fields) {
    fields.insert({{"type", "registry"}, {"ref", "app"}});
    return parse_cache_target(fields, "/")->cache_mount_bytes;
  };
  EXPECT_EQ(bytes({}), 0u);
  EXPECT_EQ(bytes({{"mode", "max"}}), 1u << 30);
  EXPECT_EQ(bytes({{"mode", "max"}, {"cache-mounts", "false"}}), 0u);
  EXPECT_EQ(bytes({{"cache-mounts", "true"}}), 1u << 30);
  EXPECT_EQ(bytes({{"cache-mounts", "20mb"}}), 20u << 20);
  EXPECT_THAT(refused_target({{"type", "registry"}, {"ref", "app"}, {"cache-mounts", "some"}}),
              HasSubstr("true, false or a size"));
  EXPECT_THAT(refused_target({{"type", "inline"}, {"cache-mounts", "true"}}),
              HasSubstr("unknown option"));
  EXPECT_TRUE(parse_cache_source({{"type", "registry"}, {"ref", "app"}}, "/")->cache_mounts);
  EXPECT_FALSE(
      parse_cache_source({{"type", "registry"}, {"ref", "app"}, {"cache-mounts", "false"}}, "/")
          ->cache_mounts);
}

TEST(CacheOptions, WhatCannotBeDoneIsRefusedByName) {
  for (const char* type : {"gha", "s3", "azblob"}) {
    EXPECT_THAT(refused_source({{"type", type}}), HasSubstr("type=" + std::string(type)));
    EXPECT_THAT(refused_target({{"type", type}}), HasSubstr("is not supported"));
  }
  EXPECT_THAT(refused_source({{"type", "inline"}}), HasSubstr("part of an image"));
  EXPECT_THAT(refused_source({{"type", "reg"}}), HasSubstr("unknown type \"reg\""));
  EXPECT_THAT(refused_source({{"type", "registry"}}), HasSubstr("needs ref="));
  EXPECT_THAT(refused_target({{"type", "local"}}), HasSubstr("needs dest="));
  EXPECT_THAT(refused_target({{"type", "inline"}, {"mode", "all"}}), HasSubstr("min or max"));
  EXPECT_THAT(refused_target({{"type", "registry"}, {"ref", "a"}, {"mod", "max"}}),
              HasSubstr("unknown option \"mod\""));
}

}  // namespace
}  // namespace slipway::cli
