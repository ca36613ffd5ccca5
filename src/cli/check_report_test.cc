#include "cli/check_report.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace slipway::cli {
namespace {

using nlohmann::json;

CheckedTarget with_findings() {
  using namespace dockerfile;
  CheckedTarget target{
      "default", "sub/Dockerfile", "FROM a AS B\nENV A \\\n b\nMAINTAINER x\n", {}, {}, {}};
  target.result.findings = {
      {rules::kMaintainerDeprecated, "Maintainer, is deprecated", {"sub/Dockerfile", 4, 4}},
      {rules::kLegacyKeyValueFormat, "\"ENV\" <old>", {"sub/Dockerfile", 2, 3}}};
  return target;
}

CheckedTarget with_error() {
  CheckedTarget target{"default", "Dockerfile", "FROM a\nFOO\n", {}, {}, {}};
  target.result.error =
      Error(ErrorCode::InvalidInput, "unknown instruction: FOO").at({"Dockerfile", 2, 2});
  return target;
}

TEST(CheckText, ShowsFindingsByLineWithExcerpts) {
  EXPECT_EQ(check_text(with_findings()),
            "Check complete, 2 warnings have been found!\n"
            "\nWARNING: LegacyKeyValueFormat - "
            "https://docs.docker.com/go/dockerfile/rule/legacy-key-value-format/\n"
            "\"ENV\" <old>\n"
            "sub/Dockerfile:2\n--------------------\n"
            "   1 |     FROM a AS B\n   2 | >>> ENV A \\\n   3 | >>>  b\n   4 |     MAINTAINER x\n"
            "--------------------\n"
            "\nWARNING: MaintainerDeprecated - "
            "https://docs.docker.com/go/dockerfile/rule/maintainer-deprecated/\n"
            "Maintainer, is deprecated\n"
            "sub/Dockerfile:4\n--------------------\n"
            "   2 |     ENV A \\\n   3 |      b\n   4 | >>> MAINTAINER x\n   5 |     \n"
            "--------------------\n");
  EXPECT_EQ(check_text({"t", "Dockerfile", "FROM a\n", {}, {}, {}}),
            "Check complete, no warnings found.\n");
}

TEST(CheckText, HasNothingButTheErrorOfABrokenFile) {
  EXPECT_EQ(check_text(with_error()), "");
  EXPECT_EQ(check_error_text(with_error()),
            "unknown instruction: FOO\nDockerfile:2\n--------------------\n   1 |     FROM a\n"
            "   2 | >>> FOO\n   3 |     \n--------------------\n");
  EXPECT_TRUE(has_findings(with_error()));
}

TEST(CheckText, SaysWhatOwnRulesCostAndWhatToDo) {
  CheckedTarget target{"t", "Dockerfile", "FROM a\n", {}, {}, {}};
  target.result.findings = {
      {{"Slow", "It is slow", ""}, "Why", {"Dockerfile", 9, 9}, "2s", "Do x"}};
  EXPECT_EQ(check_text(target),
            "Check complete, 1 warning has been found!\n"
            "\nWARNING: Slow\nWhy\nCost: 2s\nRemedy: Do x\n");
}

TEST(CheckJson, IsBuildxs) {
  const json report = json::parse(check_json(with_findings()));
  EXPECT_EQ(report["warnings"][0]["ruleName"], "MaintainerDeprecated");  // not sorted
  EXPECT_EQ(report["warnings"][1]["location"],
            json::parse(R"({"ranges": [{"start": {"line": 2}, "end": {"line": 2}},
                                       {"start": {"line": 3}, "end": {"line": 3}}]})"));
  EXPECT_EQ(report["sources"][0]["filename"], "Dockerfile");
  EXPECT_FALSE(report.contains("buildError"));
  const json broken = json::parse(check_json(with_error()));
  EXPECT_TRUE(broken["warnings"].is_null());
  EXPECT_EQ(broken["buildError"]["message"], "unknown instruction: FOO");
}

TEST(CheckSarif, NamesRulesOnceAndPlacesByLine) {
  const std::vector<CheckedTarget> targets = {with_findings(), with_findings(), with_error()};
  const json run = json::parse(check_sarif(targets))["runs"][0];
  EXPECT_EQ(run["tool"]["driver"]["rules"].size(), 3u);
  ASSERT_EQ(run["results"].size(), 5u);
  const json& first = run["results"][0];
  EXPECT_EQ(run["tool"]["driver"]["rules"][first["ruleIndex"].get<size_t>()]["id"],
            first["ruleId"]);
  EXPECT_EQ(first["locations"][0]["physicalLocation"]["region"],
            json({{"startLine", 2}, {"endLine", 3}}));
  EXPECT_EQ(run["results"][4]["level"], "error");
}

TEST(CheckAnnotations, EscapeWhatEndsAValue) {
  const std::vector<CheckedTarget> targets = {with_findings()};
  EXPECT_EQ(
      check_annotations(targets),
      "::warning file=sub/Dockerfile,line=2,endLine=3,title=LegacyKeyValueFormat::\"ENV\" "
      "<old>\n"
      "::warning file=sub/Dockerfile,line=4,endLine=4,title=MaintainerDeprecated::Maintainer, "
      "is deprecated\n");
}

}  // namespace
}  // namespace slipway::cli
