#include "frontend/dockerfile/shell_lexer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::dockerfile {
namespace {

using ::testing::ElementsAre;

std::string word(std::string_view text, const std::vector<std::string>& entries = {}) {
  const auto result = ShellLexer().word(text, environment_of(entries));
  return result ? *result : "error: " + result.error().message();
}

TEST(ShellLexer, ExpandsVariablesAndRemovesQuotes) {
  EXPECT_EQ(word(R"(a$X"b $X"'c $X'\$X)", {"X=1"}), "a1b 1c $X$X");
  EXPECT_EQ(word("${X:-d}${Y-e}${Z+f}", {"X=", "Y=", "Z="}), "df");
  EXPECT_EQ(word("${X:?no X}"), "error: failed to process \"${X:?no X}\": X: no X");
}

TEST(ShellLexer, TrimsAndReplacesPatterns) {
  EXPECT_EQ(word("${X#*/} ${X##*/} ${X%/*} ${X%%/*}", {"X=a/b/c"}), "b/c c a/b a");
  EXPECT_EQ(word("${X/b/-} ${X//b/-} ${X//[/x}", {"X=abb["}), "a-b[ a--[ abbx");
  EXPECT_EQ(word("${X//\\//_}", {"X=a/b/c"}), "a_b_c");
  EXPECT_EQ(word("${X#\uFEFFa}", {"X=aab"}), "ab");  // a byte order mark is no text
}

TEST(ShellLexer, TellsWhichVariablesWereMissing) {
  const auto result = ShellLexer().expand("$A ${B:-x} $C", environment_of({"A=1", "B="}));
  EXPECT_THAT(result->matched, ElementsAre("A", "B"));
  EXPECT_THAT(result->unmatched, ElementsAre("C"));
}

TEST(ShellLexer, WordsSplitAfterExpansionButNotInQuotes) {
  const auto words = ShellLexer().words("$X 'a b' \"$X\"", environment_of({"X=1 2"}));
  EXPECT_THAT(*words, ElementsAre("1", "2", "a b", "1 2"));
}

TEST(ShellLexer, DeepNestingEndsInAnError) {
  std::string text;
  for (int i = 0; i < 100000; ++i) text += "${a:-";
  EXPECT_THAT(word(text), ::testing::HasSubstr("nested too deeply"));
}

}  // namespace
}  // namespace slipway::dockerfile
