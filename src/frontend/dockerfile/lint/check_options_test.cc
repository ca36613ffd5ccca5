#include "frontend/dockerfile/lint/check_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::dockerfile {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(CheckOptions, AreListsOfRulesAndAFlag) {
  const auto options = CheckOptions::parse(" skip=A, B ;error=true;experimental=all");
  ASSERT_TRUE(options);
  EXPECT_THAT(options->skip, ElementsAre("A", "B"));
  EXPECT_TRUE(options->error);
  EXPECT_FALSE(options->allows("A", false));
  EXPECT_TRUE(options->allows("C", false));
  EXPECT_TRUE(options->allows("A", true));  // "skip" is for rules that run by themselves
}

TEST(CheckOptions, OfUnknownNamesAreRefused) {
  const auto unknown = CheckOptions::parse("skip=A;ignore=B");
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().message(), HasSubstr("invalid check option \"ignore\""));
  EXPECT_FALSE(CheckOptions::parse("error=perhaps"));
  EXPECT_FALSE(CheckOptions::parse("skip"));
}

TEST(CheckOptions, AreAddedToByTheCommentsAboveAnInstruction) {
  const CheckOptions merged =
      CheckOptions().with_comments({"why", "check=skip=A;error=true because", "check=skip=B"});
  EXPECT_FALSE(merged.allows("A", false));
  EXPECT_TRUE(merged.allows("B", false));  // one "check=" counts
  EXPECT_FALSE(merged.error);              // it is the file's
}

TEST(CheckOptions, OfTheBuildArgumentReplaceThoseOfTheFile) {
  const std::string text = "# check=skip=A\nFROM scratch\n";
  EXPECT_THAT(check_options_of(text, {})->skip, ElementsAre("A"));
  EXPECT_THAT(check_options_of(text, {{"BUILDKIT_DOCKERFILE_CHECK", "skip=B"}})->skip,
              ElementsAre("B"));
  EXPECT_TRUE(check_options_of(text, {{"BUILDKIT_DOCKERFILE_CHECK", ""}})->skip.empty());
}

}  // namespace
}  // namespace slipway::dockerfile
