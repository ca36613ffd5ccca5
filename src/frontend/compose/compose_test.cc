#include "frontend/compose/compose.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/bake/resolve.h"

namespace slipway::compose {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

Result<bake::Definitions> read_all(std::vector<File> files, Environment environment = {},
                                   std::map<std::string, std::string> disk = {}) {
  Options options;
  options.environment = std::move(environment);
  options.read_file = [disk](const std::string& path) -> Result<std::string> {
    const auto found = disk.find(path);
    if (found == disk.end()) return make_error(ErrorCode::NotFound, "open {}: No such file", path);
    return found->second;
  };
  return read(files, options);
}

bake::TargetDefinition only(std::string_view build, Environment environment = {},
                            std::map<std::string, std::string> disk = {}) {
  const File file{"compose.yaml", "services:\n  app:\n" + std::string(build)};
  auto definitions = read_all({file}, std::move(environment), std::move(disk));
  EXPECT_TRUE(definitions) << (definitions ? "" : definitions.error().message());
  return definitions && !definitions->targets.empty() ? definitions->targets.at(0)
                                                      : bake::TargetDefinition();
}

Error error_of(std::string_view text) {
  auto result = read_all({{"compose.yaml", std::string(text)}});
  EXPECT_FALSE(result);
  return result ? Error(ErrorCode::Internal, "") : std::move(result).error();
}

TEST(Compose, ReadsAllKeysOfBuild) {
  const auto target = only(R"(
    image: me/app
    build:
      context: ./dir
      dockerfile: My.Dockerfile
      args: {A: 1, B: $B, C: }
      additional_contexts: [base=service:app, lib=./lib]
      cache_from: ["me/app:cache", "type=local,src=x"]
      cache_to: [type=inline]
      extra_hosts: ["a:1.2.3.4", "a=1.2.3.5", "v6:::1"]
      labels: [l=v]
      network: none
      no_cache: "true"
      no_cache_filter: one
      platforms: [linux/arm64]
      pull: true
      shm_size: 128m
      ssh: [default, "key=~/k"]
      target: stage
      ulimits: {nproc: 3, nofile: {soft: 1, hard: 2}}
)",
                           {{"B", "b"}, {"C", "c"}, {"HOME", "/home/me"}});
  EXPECT_EQ(target.context, "dir");
  EXPECT_EQ(target.dockerfile, "My.Dockerfile");
  EXPECT_THAT(target.args, ElementsAre(Pair("A", "1"), Pair("B", "b"), Pair("C", "c")));
  EXPECT_THAT(target.contexts, ElementsAre(Pair("base", "target:app"), Pair("lib", "lib")));
  EXPECT_EQ(target.cache_from->at(0).at("ref"), "me/app:cache");
  EXPECT_EQ(target.cache_to->at(0).at("type"), "inline");
  EXPECT_THAT(target.extra_hosts, ElementsAre(Pair("a", "1.2.3.4,1.2.3.5"), Pair("v6", "::1")));
  EXPECT_THAT(target.labels, ElementsAre(Pair("l", "v")));
  EXPECT_EQ(target.network, "none");
  EXPECT_EQ(target.no_cache, true);
  EXPECT_THAT(*target.no_cache_filter, ElementsAre("one"));
  EXPECT_THAT(*target.platforms, ElementsAre("linux/arm64"));
  EXPECT_EQ(target.pull, true);
  EXPECT_EQ(target.shm_size, "128MiB");
  EXPECT_THAT(*target.ssh,
              ElementsAre(bake::SshSpec{"default", {}}, bake::SshSpec{"key", {"/home/me/k"}}));
  EXPECT_EQ(target.target, "stage");
  EXPECT_THAT(*target.ulimits, ElementsAre("nofile=1:2", "nproc=3:3"));
  EXPECT_THAT(*target.tags, ElementsAre("me/app"));
}

TEST(Compose, SecretsComeFromTheFile) {
  const File file{"compose.yaml", R"(
services:
  app:
    build: {secrets: [token, {source: aws}]}
secrets:
  token: {environment: TOKEN}
  aws: {file: ./aws.txt}
)"};
  const auto definitions = read_all({file});
  EXPECT_THAT(
      *definitions->targets.at(0).secrets,
      ElementsAre(bake::SecretSpec{"token", "", "TOKEN"}, bake::SecretSpec{"aws", "aws.txt", ""}));
  EXPECT_THAT(error_of("services:\n  a:\n    build: {secrets: [x]}\n").message(),
              HasSubstr("service \"a\" refers to undefined build secret x"));
}

TEST(Compose, ExtensionForBakeAddsToTheTarget) {
  const auto target = only(R"(
    build:
      tags: [a]
      x-bake:
        tags: [a, b]
        platforms: linux/amd64 linux/arm64
        output: type=docker
        secret: ["id=s,src=f"]
        contexts: {alpine: "docker-image://alpine:3"}
        no-cache: true
)");
  EXPECT_THAT(*target.tags, ElementsAre("a", "b"));
  EXPECT_THAT(*target.platforms, ElementsAre("linux/amd64", "linux/arm64"));
  EXPECT_EQ(target.outputs->at(0).at("type"), "docker");
  EXPECT_EQ(target.no_cache, true);
  EXPECT_EQ(target.contexts.at("alpine"), "docker-image://alpine:3");
}

TEST(Compose, OverrideFileWins) {
  const File base{"compose.yaml", R"(
services:
  app:
    image: one
    build: {context: a, args: [X=1, Y=2], tags: [t1]}
  gone: {build: .}
)"};
  const File over{"compose.override.yaml", R"(
services:
  app:
    image: two
    build:
      args: {Y: 3, Z: 4}
      tags: [t1, t2]
      labels: {l: v}
  gone: !reset
)"};
  const auto definitions = read_all({base, over});
  ASSERT_TRUE(definitions) << definitions.error().message();
  ASSERT_THAT(definitions->groups.at(0).targets, ElementsAre("app"));
  const auto& app = definitions->targets.at(0);
  EXPECT_EQ(app.context, "a");
  EXPECT_THAT(app.args, ElementsAre(Pair("X", "1"), Pair("Y", "3"), Pair("Z", "4")));
  EXPECT_THAT(*app.tags, ElementsAre("t1", "t2"));
}

TEST(Compose, ServicesExtendOthersAndOtherFiles) {
  const File file{"compose.yaml", R"(
services:
  base: {build: {context: ., args: {A: 1}}}
  near:
    extends: base
    build: {args: {B: 2}}
  far:
    extends: {file: lib/common.yaml, service: tool}
)"};
  const auto definitions =
      read_all({file}, {}, {{"lib/common.yaml", "services:\n  tool: {build: {context: ./src}}\n"}});
  ASSERT_TRUE(definitions) << definitions.error().message();
  EXPECT_THAT(definitions->targets.at(1).args, ElementsAre(Pair("A", "1"), Pair("B", "2")));
  EXPECT_EQ(definitions->targets.at(2).context, "lib/src");
  EXPECT_THAT(error_of("services:\n  a: {extends: b}\n  b: {extends: a}\n").message(),
              HasSubstr("circular reference"));
}

TEST(Compose, IncludesOtherFiles) {
  const File file{"compose.yaml", "include: [sub/compose.yaml]\nservices:\n  a: {build: .}\n"};
  const auto definitions =
      read_all({file}, {}, {{"sub/compose.yaml", "services:\n  b: {build: ./x}\n"}});
  ASSERT_TRUE(definitions) << definitions.error().message();
  std::map<std::string, std::string> contexts;
  for (const auto& target : definitions->targets) contexts[target.name] = *target.context;
  EXPECT_THAT(contexts, ElementsAre(Pair("a", "."), Pair("b", "sub/x")));
}

TEST(Compose, ArgumentsWithoutValueComeFromTheServiceFirst) {
  const auto target = only(R"(
    build: {args: [A, B, C, D]}
    environment: {A: service}
    env_file: vars.env
)",
                           {{"A", "process"}, {"C", "process"}}, {{"vars.env", "B=file\n"}});
  EXPECT_THAT(target.args,
              ElementsAre(Pair("A", "service"), Pair("B", "file"), Pair("C", "process")));
}

TEST(Compose, AKeyOfABuildHasAValue) {
  const Error error = error_of("services:\n  a:\n    build:\n      context: .\n      args:\n");
  EXPECT_EQ(error.message(), "services.a.build.args has no value");
  EXPECT_EQ(error.spans().at(0).first_line, 5);
}

TEST(Compose, SecretsAreWellFormed) {
  EXPECT_EQ(error_of("services: {a: {build: .}}\nsecrets:\n  x:\n").message(),
            "secrets.x must be a mapping");
  EXPECT_EQ(error_of("services: {a: {build: .}}\nsecrets:\n  x: {fil: y}\n").message(),
            "secrets.x additional properties 'fil' not allowed (did you mean file?)");
}

TEST(Compose, NamesOfServicesAreThoseOfTargetsOrHaveDots) {
  for (const char* service : {"a b: {image: x}", "a/b: {build: .}", "'': {build: .}"}) {
    const Error refused = error_of("services:\n  " + std::string(service) + "\n");
    EXPECT_THAT(refused.message(), HasSubstr("invalid service name"));
    EXPECT_EQ(refused.spans().at(0).first_line, 2);
  }
  EXPECT_EQ(read_all({{"compose.yaml", "services: {a.b-c_D: {build: .}}\n"}})->targets.at(0).name,
            "a_b-c_D");
}

// As compose-go has it.
TEST(Compose, ATildeIsHomeWhateverFollows) {
  const auto context = [](const std::string& path) {
    return *only("    build: \"" + path + "\"\n", {{"HOME", "/home/me"}}).context;
  };
  EXPECT_EQ(context("~"), "/home/me");
  EXPECT_EQ(context("~/x/../y"), "/home/me/y");
  EXPECT_EQ(context("~./x"), "/home/me/x");
  EXPECT_EQ(context("~x"), "/home/me/x");
  EXPECT_EQ(context("./~"), "~");
}

TEST(Compose, UnknownKeysNameTheNearest) {
  const Error in_build = error_of("services:\n  a:\n    build:\n      contxt: .\n");
  EXPECT_EQ(in_build.message(),
            "services.a.build additional properties 'contxt' not allowed (did you mean context?)");
  EXPECT_EQ(in_build.spans().at(0).first_line, 4);
  const Error in_service = error_of("services:\n  a:\n    biuld: .\n    image: x\n");
  EXPECT_EQ(in_service.message(), "services.a: unknown key 'biuld' (did you mean build?)");
  const Error at_top = error_of("servces: {}\nsecrets: {}\n");
  EXPECT_EQ(at_top.message(), "unknown key 'servces' (did you mean services?)");
}

TEST(Compose, WhatIsNotDoneIsRefusedByNameWhenBuilding) {
  for (const char* line : {"privileged: true", "isolation: hyperv", "entitlements: [x]"}) {
    bake::Definitions definitions;
    definitions.targets.push_back(only("    build:\n      " + std::string(line) + "\n"));
    definitions.targets[0].name = "app";
    bake::Request request;
    request.targets = {"app"};
    const auto targets = bake::to_targets(*bake::resolve(definitions, request, {}));
    ASSERT_FALSE(targets) << line;
    EXPECT_EQ(targets.error().code(), ErrorCode::Unsupported) << line;
  }
  const auto off = only("    build: {provenance: false, sbom: \"false\", privileged: false}\n");
  EXPECT_TRUE(off.unsupported.empty());
}

}  // namespace
}  // namespace slipway::compose
