#include "cache/cache_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::cache {
namespace {

using testing::HasSubstr;

std::string digest(char c) {
  return "sha256:" + std::string(64, c);
}

// Go leaves out a parent that is 0, and writes -1.
std::string sample() {
  return R"({"layers":[{"blob":")" + digest('a') + R"(","parent":-1},{"blob":")" + digest('b') +
         R"("}],"records":[{"digest":")" + digest('1') +
         R"("},{"layers":[{"layer":1,"createdAt":)" +
         R"("2026-11-24T13:38:11.931820263Z"}],"digest":")" + digest('2') +
         R"(","inputs":[[{"selector":")" + digest('c') + R"(","link":0},{"link":0}]]}]})";
}

std::string error_of(const std::string& text) {
  const auto parsed = parse_cache_config(text);
  return parsed ? "" : std::string(parsed.error().message());
}

TEST(CacheConfig, WhatBuildKitWritesIsReadAndWrittenAlike) {
  const auto config = parse_cache_config(sample());
  ASSERT_TRUE(config) << config.error().message();
  ASSERT_EQ(config->layers.size(), 2u);
  EXPECT_EQ(config->layers[0].parent, -1);
  EXPECT_EQ(config->layers[1].parent, 0);
  ASSERT_EQ(config->records.size(), 2u);
  EXPECT_EQ(config->records[1].results[0].layer, 1u);
  EXPECT_EQ(config->records[1].inputs[0][0].selector, digest('c'));
  EXPECT_EQ(to_json(*config), sample());
}

TEST(CacheConfig, RecordsAloneAreReadForTheLayersOfAnImage) {
  const std::string text =
      R"([{"chains":[{"layers":[2,0],"createdAt":""}],"digest":")" + digest('1') + R"("}])";
  const auto records = parse_cache_records(text, 3);
  ASSERT_TRUE(records) << records.error().message();
  EXPECT_EQ(records->at(0).chains[0].layers, (std::vector<size_t>{2, 0}));
  EXPECT_EQ(to_json(*records), text);
  EXPECT_FALSE(parse_cache_records(text, 2));
}

TEST(CacheConfig, IndexesThatPointNowhereAreRefused) {
  const std::string layer = R"({"layers":[{"blob":")" + digest('a') + R"(","parent":PARENT}]})";
  for (const char* parent : {"1", "-2", "1.5", "\"x\""}) {
    std::string text = layer;
    text.replace(text.find("PARENT"), 6, parent);
    EXPECT_THAT(error_of(text), HasSubstr("layer 0")) << parent;
  }
  EXPECT_THAT(
      error_of(R"({"records":[{"digest":")" + digest('1') + R"(","inputs":[[{"link":1}]]}]})"),
      HasSubstr("there is no 1"));
  EXPECT_THAT(
      error_of(R"({"records":[{"digest":")" + digest('1') + R"(","layers":[{"layer":0}]}]})"),
      HasSubstr("record 0"));
}

TEST(CacheConfig, LoopsAreRefused) {
  EXPECT_THAT(error_of(R"({"layers":[{"blob":")" + digest('a') + R"(","parent":1},{"blob":")" +
                       digest('b') + R"("}]})"),
              HasSubstr("below itself"));
  EXPECT_THAT(error_of(R"({"records":[{"digest":")" + digest('1') +
                       R"(","inputs":[[{"link":1}]]},{"digest":")" + digest('2') +
                       R"(","inputs":[[{"link":0}]]}]})"),
              HasSubstr("inputs of themselves"));
}

TEST(CacheConfig, WhatIsNoCacheIsRefused) {
  EXPECT_NE(error_of("[]"), "");
  EXPECT_NE(error_of("{"), "");
  EXPECT_THAT(error_of(R"({"records":[{"digest":"md5:0"}]})"), HasSubstr("record 0"));
  EXPECT_THAT(error_of(R"({"records":[{"digest":")" + digest('1') + R"(","inputs":[[]]}]})"),
              HasSubstr("without records"));
}

}  // namespace
}  // namespace slipway::cache
