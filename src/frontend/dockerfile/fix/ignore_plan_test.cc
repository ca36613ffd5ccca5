#include "frontend/dockerfile/fix/ignore_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/dockerfile/fix/memory_files.h"
#include "frontend/dockerfile/instruction_parser.h"

namespace slipway::dockerfile {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr uint64_t kMegabyte = 1'000'000;

IgnorePlan planned(const std::string& rest, MemoryFiles files, const std::string& text = "") {
  const auto dockerfile = parse_dockerfile("FROM debian:12\n" + rest, "Dockerfile");
  EXPECT_TRUE(dockerfile);
  auto plan = plan_ignores({text, &files, {&*dockerfile}});
  EXPECT_TRUE(plan);
  return *plan;
}

MemoryFiles with_made(std::vector<ContextFiles::Directory> made) {
  MemoryFiles files;
  files.made = std::move(made);
  return files;
}

TEST(IgnorePlan, LeavesOutWhatToolsMake) {
  const auto plan = planned("COPY . .\nRUN npm ci\n",
                            with_made({{".git", 5 * kMegabyte},
                                       {"a/__pycache__", 10},
                                       {"node_modules", kMegabyte},
                                       {"web/node_modules", kMegabyte}}),
                            "*.log");
  EXPECT_THAT(plan.patterns, ElementsAre(".git", "**/__pycache__", "**/node_modules"));
  EXPECT_THAT(plan.text, StartsWith("*.log\n\n# "));
  EXPECT_THAT(plan.left, IsEmpty());
}

TEST(IgnorePlan, KeepsGitForVersionsThatAreTakenFromIt) {
  MemoryFiles files = with_made({{".git", 5 * kMegabyte}});
  files.files["pyproject.toml"] = "requires = [\"setuptools-scm\"]\n";
  const auto plan = planned("COPY . .\nRUN pip install .\n", files);
  EXPECT_THAT(plan.patterns, IsEmpty());
  ASSERT_EQ(plan.left.size(), 1u);
  EXPECT_THAT(plan.left[0].why, StartsWith("pyproject.toml"));
  const auto heredoc =
      planned("COPY . .\nRUN <<EOF\ngit describe >v\nEOF\n", with_made({{".git", 5 * kMegabyte}}));
  EXPECT_THAT(heredoc.patterns, IsEmpty());
}

TEST(IgnorePlan, DoesNothingForLittle) {
  const auto plan = planned("COPY . .\n", with_made({{"a/__pycache__", 10}}));
  EXPECT_EQ(plan.text, "");
}

TEST(IgnorePlan, KeepsWhatTheImageMayNeed) {
  const std::vector<ContextFiles::Directory> modules = {{"node_modules", kMegabyte}};
  EXPECT_EQ(planned("COPY . .\nCMD node x.js\n", with_made(modules)).left.size(), 1u);
  EXPECT_EQ(planned("COPY . .\nCOPY node_modules /x\nRUN npm ci\n", with_made(modules)).text, "");
  EXPECT_EQ(planned("COPY . .\nRUN git describe >v\n", with_made({{".git", kMegabyte}})).text, "");
  // Nobody reads what no instruction copies.
  EXPECT_EQ(planned("COPY src .\n", with_made(modules)).text, "");
}

TEST(IgnorePlan, KeepsWhatTheFileTakesBack) {
  const auto plan = planned("COPY . .\nRUN npm ci\n",
                            with_made({{"a/node_modules", kMegabyte}, {"node_modules", kMegabyte}}),
                            "!a/node_modules/x\n");
  EXPECT_THAT(plan.patterns, ElementsAre("node_modules"));
}

TEST(IgnorePlan, LeavesOutLargeFilesThatGitDoesNotHave) {
  MemoryFiles files;
  files.untracked = {{"models", 400 * kMegabyte}, {"dist", kMegabyte}};
  EXPECT_THAT(planned("COPY . .\nCMD run\n", files).patterns, ElementsAre("models"));
  EXPECT_THAT(planned("COPY . .\nCMD run /app/models\n", files).patterns, IsEmpty());
}

TEST(IgnorePlan, IsDoneOnce) {
  const auto once = planned("COPY . .\n", with_made({{".git", kMegabyte}}));
  EXPECT_EQ(planned("COPY . .\n", {}, once.text).text, once.text);
}

}  // namespace
}  // namespace slipway::dockerfile
