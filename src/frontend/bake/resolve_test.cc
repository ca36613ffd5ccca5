#include "frontend/bake/resolve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/bake/bake_file.h"

namespace slipway::bake {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

Result<Definitions> read(std::string_view json) {
  const BakeFile file{"docker-bake.json", std::string(json)};
  Definitions definitions;
  TRY(read_bake_files({&file, 1}, {}, definitions));
  return definitions;
}

Result<Resolved> resolved(std::string_view json, Request request = {}) {
  return resolve(TRY(read(json)), request, {});
}

std::string error_of(std::string_view json, Request request = {}) {
  const auto result = resolved(json, std::move(request));
  return result ? "" : result.error().message();
}

TEST(Resolve, GroupsMayHoldGroups) {
  const auto result = resolved(R"({
    "group": {"default": {"targets": ["all", "c"]}, "all": {"targets": ["a", "b"]}},
    "target": {"a": {}, "b": {}, "c": {}, "d": {}}})");
  ASSERT_TRUE(result) << result.error().message();
  std::vector<std::string> names;
  for (const auto& [name, target] : result->targets) names.push_back(name);
  EXPECT_THAT(names, ElementsAre("a", "b", "c"));
  EXPECT_THAT(result->groups.at("default").targets, ElementsAre("all", "c"));
}

TEST(Resolve, TargetsInheritFieldByField) {
  const auto result = resolved(R"({"target": {
    "base": {"args": {"A": "1", "B": "1"}, "tags": ["x"], "platforms": ["linux/amd64"]},
    "app": {"inherits": ["base"], "args": {"B": "2"}, "tags": ["y"]}}})",
                               {.targets = {"app"}, .set = {"base.args.A=9"}});
  ASSERT_TRUE(result) << result.error().message();
  const auto& app = result->targets.at("app");
  EXPECT_THAT(app.args, ElementsAre(Pair("A", "9"), Pair("B", "2")));
  EXPECT_THAT(*app.tags, ElementsAre("y"));
  EXPECT_THAT(*app.platforms, ElementsAre("linux/amd64"));
  EXPECT_EQ(app.dockerfile, "Dockerfile");
}

TEST(Resolve, PlatformsAreThoseOfContainerd) {
  EXPECT_EQ(error_of(R"({"target": {"default": {"platforms": ["local", "linux/amd64,Local"]}}})"),
            "");
  for (const char* platform : {"li nux/amd64", "linux/amd64,a/b/c/d/e"}) {
    const std::string json =
        R"({"target": {"default": {"platforms": [")" + std::string(platform) + R"("]}}})";
    EXPECT_THAT(error_of(json), HasSubstr("target default: platforms")) << platform;
  }
}

TEST(Resolve, LinkedTargetsAreBuiltForTheCacheOnly) {
  const auto result = resolved(R"({"target": {
    "base": {"output": ["type=image"]}, "app": {"contexts": {"b": "target:base"}}}})",
                               {.targets = {"app"}});
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_TRUE(result->targets.at("base").linked);
  EXPECT_EQ(result->targets.at("base").outputs->at(0).at("type"), "cacheonly");
  EXPECT_THAT(error_of(R"({"target": {"a": {"contexts": {"x": "target:b"}},
                                      "b": {"contexts": {"x": "target:a"}}}})",
                       {.targets = {"a"}}),
              HasSubstr("infinite loop"));
}

TEST(Resolve, TheEpochOfTheEnvironmentReachesEveryTarget) {
  const auto definitions =
      read(R"({"target": {"a": {}, "b": {"args": {"SOURCE_DATE_EPOCH": "1"}}}})");
  const auto result = resolve(*definitions, {.targets = {"a", "b"}}, [](const std::string& name) {
    return name == "SOURCE_DATE_EPOCH" ? std::optional<std::string>("7") : std::nullopt;
  });
  EXPECT_EQ(result->targets.at("a").args.at("SOURCE_DATE_EPOCH"), "7");
  EXPECT_EQ(result->targets.at("b").args.at("SOURCE_DATE_EPOCH"), "1");
}

TEST(Resolve, UnknownTargetsNameTheNearest) {
  EXPECT_EQ(error_of(R"({"target": {"app": {}}})", {.targets = {"ap"}}),
            "failed to find target ap (did you mean app?)");
}

TEST(Resolve, MakesTargetsForTheEngine) {
  const auto result = resolved(R"({"target": {"default": {
    "context": "./x/", "shm-size": "64m", "ulimits": ["nofile=1:2"], "network": "host",
    "secret": ["id=s,src=f"], "ssh": ["default", "k=a,b"]}}})");
  const auto targets = to_targets(*result);
  ASSERT_TRUE(targets) << targets.error().message();
  const Target& target = targets->at(0);
  EXPECT_EQ(target.context, "x");
  EXPECT_EQ(target.shm_size, 64 << 20);
  EXPECT_EQ(target.ulimits.at(0).hard, 2);
  EXPECT_THAT(target.entitlements, ElementsAre("network.host"));
  EXPECT_EQ(target.secrets.at(0).at("src"), "f");
  EXPECT_THAT(target.ssh, ElementsAre("default", "k=a,b"));
}

TEST(Resolve, DirectoriesOfADefinitionElsewhereAreThere) {
  const std::string json = R"({"target": {"default": {
    "context": "x/../sub", "dockerfile": "cwd://D",
    "contexts": {"dir": "a", "mine": "cwd://b/../c", "image": "docker-image://x", "url": "https://h"}}}})";
  const Request request{.elsewhere = [](const std::string& directory) {
    return Result<std::string>("there:" + directory);
  }};
  const auto result = resolved(json, request);
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->targets.at("default").context, "there:sub");
  const Target target = to_targets(*result)->at(0);
  EXPECT_EQ(target.dockerfile, "cwd://D");
  EXPECT_THAT(target.contexts,
              ElementsAre(Pair("dir", "there:a"), Pair("image", "docker-image://x"),
                          Pair("mine", "c"), Pair("url", "https://h")));
}

TEST(Resolve, ADockerfileElsewhereIsNotReadForAContextHere) {
  const Request request{.elsewhere = [](const std::string& d) { return Result<std::string>(d); }};
  EXPECT_THAT(error_of(R"({"target": {"default": {"context": "cwd://"}}})", request),
              HasSubstr("cannot be read for a context that is here"));
  EXPECT_EQ(error_of(R"({"target": {"default": {"context": "cwd://"}}})"), "");
  EXPECT_EQ(error_of(R"({"target": {"default": {"context": "cwd://", "dockerfile": "cwd://D"}}})",
                     request),
            "");
  EXPECT_EQ(error_of(R"({"target": {"default": {"context": "cwd://", "dockerfile-inline": "x"}}})",
                     request),
            "");
}

TEST(Print, IsTheTextOfBuildx) {
  const auto result = resolved(R"({"target": {"default": {
    "args": {"A": "$${x} <"}, "attest": ["type=sbom,disabled=true"], "pull": false,
    "cache-from": ["a"]}}})");
  EXPECT_EQ(print(*result), R"({
  "group": {
    "default": {
      "targets": [
        "default"
      ]
    }
  },
  "target": {
    "default": {
      "attest": [
        {
          "disabled": true,
          "type": "sbom"
        }
      ],
      "context": ".",
      "dockerfile": "Dockerfile",
      "args": {
        "A": "$${x} \u003c"
      },
      "cache-from": [
        {
          "ref": "a",
          "type": "registry"
        }
      ],
      "pull": false
    }
  }
})");
}

}  // namespace
}  // namespace slipway::bake
