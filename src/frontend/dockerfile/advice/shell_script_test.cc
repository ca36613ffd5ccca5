#include "frontend/dockerfile/advice/shell_script.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"

namespace slipway::dockerfile {
namespace {

using ::testing::ElementsAre;

// Words joined with "|".
std::vector<std::string> shown(std::string_view script) {
  const auto commands = parse_shell(script);
  if (!commands) return {"not understood"};
  std::vector<std::string> lines;
  for (const ShellCommand& command : *commands) lines.push_back(join(command.words, "|"));
  return lines;
}

TEST(ParseShell, CutsAtOperatorsOutsideQuotes) {
  EXPECT_THAT(shown("a b && c 'd && e'; f \"g;h\" | i || j & k"),
              ElementsAre("a|b", "c|d && e", "f|g;h", "i", "j", "k"));
  EXPECT_THAT(shown("a  \\\n  b # not c\nd ''"), ElementsAre("a|b", "d|"));
}

TEST(ParseShell, LeavesOutRedirections) {
  EXPECT_THAT(shown("a > /dev/null 2>&1 b &> x c < y"), ElementsAre("a|b|c"));
}

TEST(ParseShell, SeesThroughWhatWrapsACommand) {
  EXPECT_THAT(shown("if a; then sudo b; fi; for x in y z; do time c; done; (d; { e; })"),
              ElementsAre("a", "b", "c", "d", "e"));
  EXPECT_THAT(shown("bash -euc 'a && b'"), ElementsAre("a", "b"));
}

TEST(ParseShell, KnowsWhatIsSetForACommand) {
  const auto commands = parse_shell("A=1 B='2 3' a; export C=4; b");
  ASSERT_TRUE(commands);
  EXPECT_EQ(commands->at(0), (ShellCommand{{"a"}, {{"A", "1"}, {"B", "2 3"}}}));
  EXPECT_EQ(commands->at(1), (ShellCommand{{"b"}, {{"C", "4"}}}));
}

TEST(ParseShell, KeepsSubstitutionsWhole) {
  EXPECT_THAT(shown("a $(b (c) d) \"$(e \"f\")\" `g h`"),
              ElementsAre("a|$(b (c) d)|$(e \"f\")|`g h`"));
}

TEST(ParseShell, DoesNotGuess) {
  for (const char* script : {"a 'b", "a \"b", "a $(b", "cat <<EOF\nEOF", "diff <(a) b", "a `b"}) {
    EXPECT_THAT(shown(script), ElementsAre("not understood")) << script;
  }
}

}  // namespace
}  // namespace slipway::dockerfile
