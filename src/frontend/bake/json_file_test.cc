#include "frontend/bake/json_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::bake {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

Result<Definitions> read(std::string_view json) {
  return read_json(json, "docker-bake.json", [](const std::string& name) {
    return name == "FROM_ENV" ? std::optional<std::string>("env") : std::nullopt;
  });
}

TEST(JsonFile, VariablesComeFromTheEnvironmentOrTheirDefault) {
  const auto result = read(R"({
    "variable": {"FROM_ENV": {"default": "x"}, "D": {"default": "d"}, "NONE": {}},
    "target": {"a": {"args": {"A": "${FROM_ENV}-${D}", "B": "${NONE}", "C": "$${D}", "N": 3}}}})");
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_THAT(result->targets.at(0).args,
              ElementsAre(Pair("A", "env-d"), Pair("C", "${D}"), Pair("N", "3")));
}

TEST(JsonFile, RefusesExpressions) {
  const auto result = read(R"({"target": {"a": {"tags": ["${upper(x)}"]}}})");
  EXPECT_EQ(result.error().code(), ErrorCode::Unsupported);
  EXPECT_THAT(result.error().message(), HasSubstr("target.a.tags"));
  EXPECT_EQ(read(R"({"function": {}})").error().code(), ErrorCode::Unsupported);
  EXPECT_EQ(read(R"({"target": {"a": {"matrix": {}}}})").error().code(), ErrorCode::Unsupported);
}

TEST(JsonFile, UnknownKeysNameTheNearest) {
  EXPECT_THAT(read(R"({"target": {"a": {"contxt": "."}}})").error().message(),
              HasSubstr("target.a.contxt is no key of a target (did you mean context?)"));
  EXPECT_FALSE(read("{"));
  EXPECT_FALSE(read("[]"));
}

TEST(JsonFile, EntriesAreTextsOrObjects) {
  const auto result = read(
      R"({"target": {"a": {"cache-from": ["x", {"type": "gha"}], "secret": [{"id": "s"}],
          "output": [{"type": "tar", "dest": "d"}], "attest": [{"type": "sbom"}]}}})");
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->targets.at(0).cache_from->size(), 2u);
  EXPECT_EQ(result->targets.at(0).secrets->at(0).id, "s");
  EXPECT_EQ(result->targets.at(0).outputs->at(0).at("dest"), "d");
}

}  // namespace
}  // namespace slipway::bake
