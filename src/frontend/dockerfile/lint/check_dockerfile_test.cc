#include "frontend/dockerfile/lint/check_dockerfile.h"

#include <algorithm>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "frontend/dockerfile/conformance_data.h"
#include "frontend/dockerfile/convert_testing.h"

namespace slipway::dockerfile {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// BuildKit's positions are one range for each line: "3-3,4-4".
std::string ranges_of(const SourceSpan& span) {
  std::string text;
  for (int line = span.first_line; line <= span.last_line; ++line) {
    text += fmt::format("{}{}-{}", text.empty() ? "" : ",", line, line);
  }
  return text;
}

// "RULE<tab>ranges", sorted.
std::vector<std::string> lines_of(const CheckResult& result, bool with_text) {
  std::vector<std::string> lines;
  for (const Finding& finding : result.findings) {
    lines.push_back(fmt::format("{}\t{}", finding.rule.name, ranges_of(finding.span)));
    if (with_text) lines.back() += "\t" + finding.detail;
  }
  std::ranges::sort(lines);
  return lines;
}

CheckResult check_text(const std::string& text, ConvertOptions options = {}) {
  options.build_platform = {.os = "linux", .architecture = "amd64"};
  options.file_name = "Dockerfile";
  StubImages images;
  return check_dockerfile(text, options, images);
}

std::vector<std::string> checked(const std::string& text, ConvertOptions options = {}) {
  return lines_of(check_text(text, std::move(options)), false);
}

TEST(CheckDockerfile, FindsNothingInAGoodFile) {
  EXPECT_THAT(checked("FROM alpine AS build\nRUN make\nFROM alpine\nCOPY --from=build /a /b\n"
                      "CMD [\"/b\"]\n"),
              IsEmpty());
}

TEST(CheckDockerfile, LooksAtStagesThatTheTargetDoesNotNeed) {
  const std::string text = "FROM alpine AS unused\nENV A b\nFROM alpine\n";
  EXPECT_THAT(checked(text), ElementsAre("LegacyKeyValueFormat\t2-2"));
  EXPECT_THAT(checked("FROM alpine AS a\nENV A b\nFROM alpine AS b\n", {.target = "b"}), IsEmpty());
}

TEST(CheckDockerfile, HonoursDirectivesAndCommentsAboveInstructions) {
  EXPECT_THAT(checked("# check=skip=LegacyKeyValueFormat\nFROM alpine\nENV A b\n"), IsEmpty());
  EXPECT_THAT(checked("FROM alpine\n# check=skip=LegacyKeyValueFormat\nENV A b\nENV B c\n"),
              ElementsAre("LegacyKeyValueFormat\t4-4"));
  const std::string described = "FROM alpine\n# says nothing of X\nARG X\n";
  EXPECT_THAT(checked(described), IsEmpty());
  EXPECT_THAT(checked("# check=experimental=all\n" + described),
              ElementsAre("InvalidDefinitionDescription\t4-4"));
}

TEST(CheckDockerfile, SuggestsTheVariableThatWasMeant) {
  const CheckResult result = check_text("FROM alpine\nENV FOO=1\nRUN true\nWORKDIR /$FOOO\n");
  ASSERT_EQ(result.findings.size(), 1u);
  EXPECT_EQ(result.findings[0].detail, "Usage of undefined variable '$FOOO' (did you mean $FOO?)");
}

TEST(CheckDockerfile, KeepsFindingsAboveAMistake) {
  const CheckResult result = check_text("FROM alpine\nMAINTAINER me\nFROBNICATE\nMAINTAINER you\n");
  EXPECT_THAT(lines_of(result, false), ElementsAre("MaintainerDeprecated\t2-2"));
  ASSERT_TRUE(result.error);
  EXPECT_THAT(result.error->message(),
              HasSubstr("dockerfile parse error on line 3: unknown instruction: FROBNICATE"));
}

TEST(CheckDockerfile, FailsWhereFindingsAreErrors) {
  const CheckResult result = check_text("# check=error=true\nFROM alpine\nENV A b\nENV C d\n");
  ASSERT_TRUE(result.error);
  EXPECT_EQ(result.error->message(), "lint violation found for rules: LegacyKeyValueFormat");
  EXPECT_FALSE(check_text("# check=error=true\nFROM alpine\nENV A=b\n").error);
}

TEST(CheckDockerfile, KnowsWhatTheIgnoreFileLeavesOut) {
  ConvertOptions options;
  options.main_context = LocalContext{"context", {"secret*"}, {}};
  EXPECT_THAT(checked("FROM alpine\nCOPY secrets/a b /\nADD c /\n", options),
              ElementsAre("CopyIgnoredFile\t2-2"));
}

TEST(CheckDockerfile, FindsInOtherPeoplesFilesWhatBuildKitFinds) {
  const auto folder = conformance_data("dockerfiles");
  if (!folder) GTEST_SKIP() << "no conformance data beside the repository";
  int files = 0;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(*folder)) {
    if (entry.path().extension() != ".lint") continue;
    ++files;
    const fs::path dockerfile = fs::path(entry.path()).replace_extension();
    StubImages images;
    const CheckResult result =
        check_dockerfile(read_text(dockerfile), options_for(dockerfile), images);
    std::vector<std::string> want = split(read_text(entry.path()), '\n');
    std::erase(want, "");
    std::ranges::sort(want);
    EXPECT_EQ(lines_of(result, true), want)
        << dockerfile << (result.error ? ": " + result.error->message() : "");
  }
  EXPECT_GE(files, 600);
}

}  // namespace
}  // namespace slipway::dockerfile
