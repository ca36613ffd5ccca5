#include "frontend/dockerfile/parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::dockerfile {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

SyntaxTree parse(std::string_view text) {
  auto tree = parse_syntax(text, "Dockerfile");
  EXPECT_TRUE(tree) << (tree ? "" : tree.error().message());
  return tree ? *std::move(tree) : SyntaxTree{};
}

std::string error_of(std::string_view text) {
  const auto tree = parse_syntax(text, "Dockerfile");
  return tree ? "" : tree.error().message();
}

TEST(Parser, JoinsContinuedLinesAroundComments) {
  const SyntaxTree tree = parse("FROM a\nRUN one \\\n# a comment\n  two \\  \n\n three\n");
  ASSERT_THAT(tree.instructions, SizeIs(2));
  EXPECT_EQ(dump(tree), "(from \"a\")\n(run \"one   two  three\")");
  EXPECT_EQ(tree.instructions[1].first_line, 2);
  EXPECT_EQ(tree.instructions[1].last_line, 6);
  ASSERT_THAT(tree.warnings, SizeIs(1));
  EXPECT_EQ(tree.warnings[0].message, "Empty continuation line found in: RUN one   two  three");
}

TEST(Parser, EscapeDirectiveChangesContinuations) {
  const SyntaxTree tree = parse("# escape=`\nRUN a `\n b\\\nRUN c ``\nRUN d");
  EXPECT_EQ(tree.escape, '`');
  EXPECT_EQ(dump(tree), "(run \"a  b\\\\\")\n(run \"c ``\")\n(run \"d\")");
}

TEST(Parser, ReadsSeveralHeredocsOfOneInstruction) {
  const SyntaxTree tree =
      parse("COPY <<A <<-'B' /d/\none $x\nA\n\ttwo\n\tB\nRUN <<EOF cat\nx\nEOF\n");
  ASSERT_THAT(tree.instructions, SizeIs(2));
  const auto& heredocs = tree.instructions[0].heredocs;
  ASSERT_THAT(heredocs, SizeIs(2));
  EXPECT_EQ(heredocs[0].content, "one $x\n");
  EXPECT_TRUE(heredocs[0].expand);
  EXPECT_EQ(heredocs[1].content, "\ttwo\n");
  EXPECT_FALSE(heredocs[1].expand);
  EXPECT_TRUE(heredocs[1].chomp);
  EXPECT_EQ(tree.instructions[0].last_line, 5);
  EXPECT_EQ(tree.instructions[1].heredocs[0].content, "x\n");
}

TEST(Parser, HeredocsBelongOnlyToInstructionsThatTakeThem) {
  EXPECT_EQ(dump(parse("CMD cat <<EOF\nRUN [\"a\", \"<<B\"]\n")),
            "(cmd \"cat <<EOF\")\n(run \"a\" \"<<B\")");
}

TEST(Parser, CommentsDirectlyAboveBelongToTheInstruction) {
  const SyntaxTree tree = parse("# syntax=x\n# lost\n#\n# A is for apple\nARG A\n");
  EXPECT_THAT(tree.directives, SizeIs(1));
  EXPECT_THAT(tree.instructions[0].comments, ElementsAre("A is for apple"));
}

TEST(Parser, ReportsAllMistakesWithTheirLines) {
  EXPECT_EQ(error_of("FROM a\nENV x\nCMD [\"a\", 1]\nRUN ok\nLABEL a=1 b\n"),
            "dockerfile parse error on line 2: ENV must have two arguments\n"
            "dockerfile parse error on line 3: when using JSON array syntax, arrays must be "
            "comprised of strings only\n"
            "dockerfile parse error on line 5: Syntax error - can't find = in \"b\". Must be of "
            "the form: name=value");
  EXPECT_EQ(error_of("RUN <<EOF\nnever ended\n"),
            "dockerfile parse error on line 1: unterminated heredoc");
  EXPECT_EQ(error_of("# nothing\n"), "dockerfile parse error on line 1: file with no instructions");
  EXPECT_EQ(error_of("# escape=x\nFROM a\n"),
            "dockerfile parse error on line 1: invalid escape token 'x' does not match ` or \\");
}

TEST(Parser, FlagsLoseQuotesAndEndAtTwoDashes) {
  EXPECT_EQ(dump(parse("COPY --from=\"a b\" --link -- --x /y")),
            "(copy [\"--from=a b\" \"--link\"] \"--x\" \"/y\")");
}

TEST(Parser, DeepOnbuildEndsInAnError) {
  std::string text;
  for (int i = 0; i < 20000; ++i) text += "ONBUILD \\\n";
  EXPECT_THAT(error_of(text + "RUN x"), ::testing::HasSubstr("ONBUILD ONBUILD"));
}

}  // namespace
}  // namespace slipway::dockerfile
