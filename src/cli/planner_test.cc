#include "cli/planner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file_io.h"
#include "base/temp_dir.h"
#include "cli/stub_images.h"

namespace slipway::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class WarningSink : public progress::Sink {
 public:
  void handle(const progress::Event& event) override {
    const auto* warning = std::get_if<progress::WarningEvent>(&event);
    if (warning != nullptr) warnings.push_back(warning->message);
  }
  std::vector<std::string> warnings;
};

class PlannerTest : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) {
    ASSERT_TRUE(make_directories((root_.path() / name).parent_path()));
    ASSERT_TRUE(write_file_atomic(root_.path() / name, text));
  }
  bake::Target target(const std::string& name, const std::string& context = ".") {
    bake::Target t;
    t.name = name;
    t.context = context;
    return t;
  }
  Result<std::vector<PlannedTarget>> plan(const std::vector<bake::Target>& targets) {
    directories_.clear();
    Planner planner({.environment = environment_,
                     .base_directory = root_.path(),
                     .resolver = images_,
                     .add_directory =
                         [this](const ContextDirectory& d) {
                           directories_.push_back(d);
                           return Status();
                         },
                     .add_layout = [](const std::string&) -> Result<dockerfile::OciLayoutContext> {
                       return make_error(ErrorCode::NotFound, "no layout");
                     },
                     .progress = sink_});
    return planner.plan(targets);
  }
  std::string error_of(const std::vector<bake::Target>& targets) {
    const auto plans = plan(targets);
    return plans ? "" : plans.error().message();
  }

  TempDir root_ = *TempDir::create(testing::TempDir(), "planner-test");
  Environment environment_;
  StubImages images_;
  WarningSink sink_;
  std::vector<ContextDirectory> directories_;
};

TEST_F(PlannerTest, TheIgnoreFileBesideTheDockerfileWins) {
  write("Dockerfile", "FROM scratch\nCOPY . /\n");
  write(".dockerignore", "general\n");
  ASSERT_TRUE(plan({target("t")}));
  EXPECT_THAT(directories_.at(0).ignore_patterns, ElementsAre("general"));
  write("Dockerfile.dockerignore", "special\n");
  ASSERT_TRUE(plan({target("t")}));
  EXPECT_THAT(directories_.at(0).ignore_patterns, ElementsAre("special"));
}

TEST_F(PlannerTest, TargetsOnOneDirectoryShareItsKeyOthersDoNot) {
  write("Dockerfile", "FROM scratch\nCOPY . /\n");
  write("other/Dockerfile", "FROM scratch\nCOPY . /\n");
  const auto plans = plan({target("a"), target("b"), target("c", "other")});
  ASSERT_TRUE(plans) << plans.error().message();
  EXPECT_EQ(directories_.at(0).key, directories_.at(1).key);
  EXPECT_NE(directories_.at(0).key, directories_.at(2).key);
  // Equal Dockerfiles on different directories must not be one step.
  const auto root_of = [](const PlannedTarget& p) {
    const graph::Definition& d = p.platforms.at(0).definition;
    return d.vertex(d.root()->vertex).digest;
  };
  EXPECT_EQ(root_of(plans->at(0)), root_of(plans->at(1)));
  EXPECT_NE(root_of(plans->at(0)), root_of(plans->at(2)));
}

TEST_F(PlannerTest, ATargetCanBeAnothersContext) {
  write("base.Dockerfile", "FROM busybox\nRUN echo base\n");
  write("app.Dockerfile", "FROM base\nRUN echo app\n");
  bake::Target app = target("app"), base = target("base");
  app.dockerfile = "app.Dockerfile";
  app.contexts["base"] = "target:base";
  base.dockerfile = "base.Dockerfile";
  const auto plans = plan({app, base});
  ASSERT_TRUE(plans) << plans.error().message();
  EXPECT_EQ(plans->at(0).target.name, "app");
  EXPECT_EQ(plans->at(0).platforms.at(0).definition.vertices().size(), 3u);
}

TEST_F(PlannerTest, EachPlatformIsPlannedOnceInTheOrderAskedFor) {
  write("Dockerfile", "FROM busybox\nENV A b\nENV C d\nRUN echo hello\n");
  bake::Target t = target("t");
  t.platforms = {"linux/arm64", "linux/amd64", "linux/aarch64"};
  const auto plans = plan({t});
  ASSERT_TRUE(plans) << plans.error().message();
  const PlannedTarget& planned = plans->at(0);
  ASSERT_EQ(planned.platforms.size(), 2u);
  EXPECT_TRUE(planned.multi_platform);
  EXPECT_EQ(planned.platforms[0].platform.str(), "linux/arm64");
  EXPECT_EQ(planned.platforms[1].platform.str(), "linux/amd64");
  const graph::Definition& first = planned.platforms[0].definition;
  EXPECT_THAT(first.vertex(first.root()->vertex).name(), HasSubstr("[linux/arm64 2/2] RUN"));
  EXPECT_EQ(sink_.warnings.size(), 2u);  // not twice for each line
}

TEST_F(PlannerTest, AnIndexOfOnePlatformIsABuildArgumentAway) {
  write("Dockerfile", "FROM busybox\n");
  bake::Target t = target("t");
  EXPECT_FALSE(plan({t})->at(0).multi_platform);
  t.args["BUILDKIT_MULTI_PLATFORM"] = "1";
  EXPECT_TRUE(plan({t})->at(0).multi_platform);
  t.args["BUILDKIT_MULTI_PLATFORM"] = "false";
  t.platforms = {"linux/arm64", "linux/amd64"};
  EXPECT_THAT(error_of({t}), HasSubstr("multiple target platforms"));
}

TEST_F(PlannerTest, APlatformBuildsOnThatOfAnotherTarget) {
  write("base.Dockerfile", "FROM busybox\nRUN echo base\n");
  write("app.Dockerfile", "FROM base\nRUN echo app\n");
  bake::Target app = target("app"), base = target("base");
  app.dockerfile = "app.Dockerfile";
  app.contexts["base"] = "target:base";
  base.dockerfile = "base.Dockerfile";
  app.platforms = base.platforms = {"linux/amd64", "linux/arm64"};
  const auto plans = plan({app, base});
  ASSERT_TRUE(plans) << plans.error().message();
  for (const dockerfile::Conversion& platform : plans->at(0).platforms) {
    ASSERT_EQ(platform.definition.vertices().size(), 3u);
    for (const graph::Vertex& vertex : platform.definition.vertices()) {
      EXPECT_EQ(vertex.platform->str(), platform.platform.str());
    }
  }
}

TEST_F(PlannerTest, TargetsThatNeedEachOtherAreRefused) {
  write("Dockerfile", "FROM x\n");
  bake::Target a = target("a"), b = target("b");
  a.contexts["x"] = "target:b";
  b.contexts["x"] = "target:a";
  EXPECT_THAT(error_of({a, b}), HasSubstr("targets need each other: a -> b -> a"));
}

TEST_F(PlannerTest, SaysWhatIsMissing) {
  EXPECT_THAT(error_of({target("t")}), HasSubstr("Dockerfile: no such file"));
  EXPECT_THAT(error_of({target("t", "nowhere")}), HasSubstr("nowhere: no such directory"));
}

// Presigned URLs with a session token can be longer than a path.
TEST_F(PlannerTest, ALongUrlIsAContext) {
  EXPECT_THAT(
      error_of({target("t", "https://host/context.tar?signature=" + std::string(5000, 'x'))}),
      HasSubstr("remote build context"));
}

TEST_F(PlannerTest, TellsWhatTheRulesFind) {
  write("Dockerfile", "FROM scratch\nENV A b\nCOPY Dockerfile /\n");
  ASSERT_TRUE(plan({target("t")}));
  EXPECT_THAT(
      sink_.warnings,
      ElementsAre("LegacyKeyValueFormat: \"ENV key=value\" should be used instead of legacy "
                  "\"ENV key value\" format (line 2)"));
  write("Dockerfile", "# check=error=true\nFROM scratch\nENV A b\n");
  EXPECT_EQ(error_of({target("t")}), "lint violation found for rules: LegacyKeyValueFormat");
}

TEST_F(PlannerTest, RefusesWhatItWouldNotDo) {
  write("Dockerfile", "FROM scratch\n");
  bake::Target t = target("t");
  t.annotations = {"a=b"};
  t.call = "check";
  EXPECT_THAT(error_of({t}), HasSubstr("call=check"));
}

}  // namespace
}  // namespace slipway::cli
