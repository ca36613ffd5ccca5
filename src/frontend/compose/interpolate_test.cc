#include "frontend/compose/interpolate.h"

#include <gtest/gtest.h>

namespace slipway::compose {
namespace {

const Environment kEnvironment = {{"A", "a"}, {"EMPTY", ""}};

std::string text(std::string_view in) {
  const auto result = interpolate(in, kEnvironment);
  return result ? *result : "error: " + result.error().message();
}

TEST(Interpolate, ReplacesVariables) {
  EXPECT_EQ(text("$A ${A} $$A ${NONE} $(x) $"), "a a $A  $(x) $");
  EXPECT_EQ(text("${NONE:-d} ${EMPTY:-d} ${EMPTY-d} ${NONE-$A}"), "d d  a");
  EXPECT_EQ(text("${A:+x} ${EMPTY:+x} ${EMPTY+x} ${NONE+x}"), "x  x ");
  EXPECT_EQ(text("${NONE:-${OTHER:-${A}}}b"), "ab");
}

TEST(Interpolate, RequiredVariablesAreErrors) {
  EXPECT_EQ(text("${NONE:?why $A}"), "error: required variable NONE is missing a value: why a");
  EXPECT_EQ(text("${EMPTY?no}"), "");
  EXPECT_EQ(text("${EMPTY:?}"), "error: required variable EMPTY is missing a value");
}

TEST(Interpolate, RejectsBrokenTemplates) {
  EXPECT_EQ(text("${A"), "error: Invalid template: \"${A\"");
  EXPECT_EQ(text("${}"), "error: Invalid template: \"${}\"");
  EXPECT_EQ(text("${A!x}"), "error: Invalid template: \"${A!x}\"");
}

TEST(Dotenv, ReadsQuotesCommentsAndVariables) {
  const auto result = read_dotenv(
      "# comment\nexport X=1 # one\nY='$X raw'\nZ=\"$X\\n\\$A\"\nW: ${X}2\nA=ignored\nINHERITED\n",
      kEnvironment);
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->at("X"), "1");
  EXPECT_EQ(result->at("Y"), "$X raw");
  EXPECT_EQ(result->at("Z"), "1\n$A");
  EXPECT_EQ(result->at("W"), "12");
  EXPECT_EQ(result->at("A"), "a");
  EXPECT_FALSE(result->contains("INHERITED"));
}

TEST(Dotenv, ErrorsNameTheirLine) {
  EXPECT_EQ(read_dotenv("A=1\n\nB='x\n", {}).error().message(),
            "line 3: unterminated quoted value 'x");
  EXPECT_FALSE(read_dotenv("A B=1\n", {}));
}

}  // namespace
}  // namespace slipway::compose
