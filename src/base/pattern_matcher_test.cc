#include "base/pattern_matcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway {
namespace {

using ::testing::ElementsAre;

bool matches(std::vector<std::string> patterns, std::string_view path) {
  return PatternMatcher::create(patterns)->matches(path);
}

TEST(PatternMatcher, WildcardsStayInTheirComponent) {
  EXPECT_TRUE(matches({"*.log"}, "a.log"));
  EXPECT_FALSE(matches({"*.log"}, "x/a.log"));
  EXPECT_TRUE(matches({"**/*.log"}, "x/y/a.log"));
  EXPECT_TRUE(matches({"a?[b-d]"}, "a/c") || matches({"a?[b-d]"}, "axc"));
  EXPECT_FALSE(matches({"a?[b-d]"}, "a/c"));
}

TEST(PatternMatcher, ADirectoryTakesItsContents) {
  EXPECT_TRUE(matches({"node_modules"}, "node_modules/x/y"));
  EXPECT_FALSE(matches({"node_modules"}, "src/node_modules/x"));
}

TEST(PatternMatcher, TheLastMatchCounts) {
  EXPECT_FALSE(matches({"docs", "!docs/README.md"}, "docs/README.md"));
  EXPECT_TRUE(matches({"docs", "!docs/README.md"}, "docs/other.md"));
  EXPECT_TRUE(matches({"*", "!keep", "keep/secret"}, "keep/secret"));
}

TEST(PatternMatcher, WalkingAnswersAsWholePathsDo) {
  const auto matcher = *PatternMatcher::create({"a", "!a/b", "a/b/*.log", "**/tmp"});
  for (const char* path : {"a/b/x.log", "a/b/x", "a/c", "a/b/tmp/y", "z/tmp"}) {
    PatternMatcher::ParentMatches parent;
    PatternMatcher::Answer answer;
    const std::string_view text = path;
    for (size_t end = 0; end != std::string_view::npos;) {
      end = text.find('/', end + 1);
      answer = matcher.matches_below(text.substr(0, end), parent);
      parent = answer.here;
    }
    EXPECT_EQ(answer.matches, matcher.matches(path)) << path;
  }
}

TEST(PatternMatcher, KnowsWhereAnExclusionMayApply) {
  const auto matcher = *PatternMatcher::create({"*", "!src/app", "!**/x.md"});
  EXPECT_TRUE(matcher.may_take_back_below("src"));
  const auto plain = *PatternMatcher::create({"*", "!src/app", "!lib*/x"});
  EXPECT_TRUE(plain.may_take_back_below("src"));
  EXPECT_TRUE(plain.may_take_back_below("src/app"));
  EXPECT_TRUE(plain.may_take_back_below("lib64"));
  EXPECT_FALSE(plain.may_take_back_below("docs"));
  EXPECT_FALSE(plain.may_take_back_below("src/other"));
}

TEST(PatternMatcher, RejectsMalformedPatterns) {
  EXPECT_FALSE(PatternMatcher::create({"a", "!"}));
  EXPECT_FALSE(PatternMatcher::create({"[a"}));
  EXPECT_FALSE(PatternMatcher::create({"a\\"}));
  EXPECT_FALSE(PatternMatcher::create({"[c-a]"}));
}

TEST(PatternMatcher, HostilePatternsTakeNoLongTime) {
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "*a";
  EXPECT_FALSE(matches({pattern + "b"}, std::string(2000, 'a')));
}

TEST(CleanPath, ResolvesDots) {
  EXPECT_EQ(clean_path("./a//b/../c/"), "a/c");
  EXPECT_EQ(clean_path("../../a"), "../../a");
  EXPECT_EQ(clean_path("/../a"), "/a");
  EXPECT_EQ(clean_path(""), ".");
}

}  // namespace
}  // namespace slipway
