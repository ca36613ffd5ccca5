#include "cli/call.h"

#include <gtest/gtest.h>

namespace slipway::cli {
namespace {

TEST(Call, BuildsWhereNothingElseIsAskedFor) {
  EXPECT_FALSE(*parse_call(""));
  EXPECT_FALSE(*parse_call("build"));
  EXPECT_FALSE(*parse_call("format=json"));
}

TEST(Call, HasAMethodAndItsOptions) {
  EXPECT_EQ((*parse_call("check"))->method, CallMethod::Check);
  EXPECT_EQ((*parse_call("lint"))->method, CallMethod::Check);
  EXPECT_EQ((*parse_call("targets"))->format, ReportFormat::Text);
  const Call outline = **parse_call("outline,format=json,ignorestatus=true");
  EXPECT_EQ(outline.method, CallMethod::Outline);
  EXPECT_EQ(outline.format, ReportFormat::Json);
  EXPECT_TRUE(outline.ignore_status);
  EXPECT_EQ((*parse_call("check,rules=all"))->rules, CheckRules::All);
}

TEST(Call, RefusesWhatItDoesNotKnow) {
  const auto typo = parse_call("outlines");
  ASSERT_FALSE(typo);
  EXPECT_EQ(typo.error().message(), "call=outlines is not known (did you mean outline?)");
  EXPECT_FALSE(parse_call("check,format=xml"));
  EXPECT_FALSE(parse_call("check,outline"));
  EXPECT_FALSE(parse_call("outline,format=sarif"));
  EXPECT_FALSE(parse_call("outline,rules=all"));
  EXPECT_FALSE(parse_call("check,ignorestatus=maybe"));
}

}  // namespace
}  // namespace slipway::cli
