#include "frontend/bake/override.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::bake {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The target "app" after the overrides.
TargetDefinition after(std::vector<std::string> set, TargetDefinition app = {}) {
  app.name = "app";
  Definitions definitions;
  definitions.targets = {app, TargetDefinition{.name = "other"}};
  const auto overrides = parse_overrides(set, definitions, [](const std::string& name) {
    return name == "FROM_ENV" ? std::optional<std::string>("env") : std::nullopt;
  });
  EXPECT_TRUE(overrides) << (overrides ? "" : overrides.error().message());
  if (overrides && overrides->contains("app")) {
    const Status applied = apply_overrides(overrides->at("app"), app);
    EXPECT_TRUE(applied) << (applied ? "" : applied.error().message());
  }
  return app;
}

std::string error_of(const std::string& set) {
  Definitions definitions;
  definitions.targets = {TargetDefinition{.name = "app"}};
  const auto overrides = parse_overrides({set}, definitions, {});
  return overrides ? "" : overrides.error().message();
}

TEST(Override, SubkeysMayHoldDotsAndColons) {
  const auto app = after({"*.contexts.python:3.11-slim=docker-image://localhost:5000/python:3.11"});
  EXPECT_EQ(app.contexts.at("python:3.11-slim"), "docker-image://localhost:5000/python:3.11");
}

TEST(Override, ListsAreReplacedOrGrow) {
  TargetDefinition app;
  app.tags = {"a"};
  EXPECT_THAT(*after({"app.tags=b", "app.tags=c"}, app).tags, ElementsAre("b", "c"));
  EXPECT_THAT(*after({"app.tags+=b"}, app).tags, ElementsAre("a", "b"));
  EXPECT_THAT(*after({"app.tags="}, app).tags, ElementsAre());
}

TEST(Override, PatternsChooseTargets) {
  EXPECT_EQ(after({"a*.args.X=1"}).args.at("X"), "1");
  EXPECT_TRUE(after({"o*.args.X=1"}).args.empty());
  EXPECT_THAT(error_of("x*.args.X=1"), HasSubstr("could not find any target matching 'x*'"));
}

TEST(Override, ArgumentsWithoutValueComeFromTheEnvironment) {
  EXPECT_EQ(after({"app.args.FROM_ENV"}).args.at("FROM_ENV"), "env");
  EXPECT_TRUE(after({"app.args.UNSET"}).args.empty());
}

TEST(Override, PushAndLoadChangeOutputs) {
  const Fields pushed = {{"type", "image"}, {"push", "true"}};
  EXPECT_THAT(*after(override_texts({.push = true})).outputs, ElementsAre(pushed));
  TargetDefinition tar;
  tar.outputs = std::vector{Fields{{"type", "tar"}, {"dest", "x"}}};
  EXPECT_EQ(after({"app.push=true"}, tar).outputs->size(), 1u);
  EXPECT_EQ(after({"app.load=true"}, tar).outputs->size(), 1u);
  const Fields docker = {{"type", "docker"}};
  EXPECT_THAT(*after({"app.push=true", "app.load=true"}).outputs, ElementsAre(docker, pushed));
}

TEST(Override, RejectsWhatItDoesNotKnow) {
  EXPECT_THAT(error_of("app"), HasSubstr("invalid override key app, expected target.name"));
  EXPECT_THAT(error_of("app.tgas=x"), HasSubstr("unknown key: tgas (did you mean tags?)"));
  EXPECT_THAT(error_of("app.context.x=y"), HasSubstr("context does not support subkeys"));
  EXPECT_THAT(error_of("app.args=y"), HasSubstr("arg requires name"));
  EXPECT_THAT(error_of("app.tags"), HasSubstr("expected target.name=value"));
}

}  // namespace
}  // namespace slipway::bake
