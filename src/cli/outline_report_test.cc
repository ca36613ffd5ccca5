#include "cli/outline_report.h"

#include <gtest/gtest.h>

namespace slipway::cli {
namespace {

using dockerfile::Outline;
using dockerfile::Stage;

// Texts as buildx v0.38.2 prints them.
TEST(OutlineReport, AlignsColumnsAsBuildxDoes) {
  Outline outline;
  outline.name = "app";
  outline.description = "what runs";
  outline.args = {{"VERSION", "of the base", "3", {"Dockerfile", 2, 2}},
                  {"A", "", "\xc3\xa9t\xc3\xa9", {"Dockerfile", 4, 4}}};
  outline.secrets = {{"token", true, {"Dockerfile", 5, 5}}, {"n", false, {"Dockerfile", 6, 6}}};
  outline.ssh = {{"default", false, {"Dockerfile", 5, 5}}};
  EXPECT_EQ(outline_text(outline),
            "TARGET:      app\n"
            "DESCRIPTION: what runs\n"
            "\n"
            "BUILD ARG   VALUE   DESCRIPTION\n"
            "VERSION     3       of the base\n"
            "A           \xc3\xa9t\xc3\xa9     \n"
            "\n"
            "SECRET   REQUIRED\n"
            "token    true\n"
            "n        \n"
            "\n"
            "SSH       REQUIRED\n"
            "default   \n"
            "\n");
}

TEST(OutlineReport, LeavesOutWhatIsNotThere) {
  EXPECT_EQ(outline_text({}), "");
  EXPECT_EQ(outline_json({}, "FROM a\n"), "{\n  \"sources\": [\n    \"RlJPTSBhCg==\"\n  ]\n}");
}

// A value may hold what the writer takes for the end of a cell or a line.
TEST(OutlineReport, ColumnsEndWhereALineLacksThem) {
  Outline outline;
  outline.args = {{"A", "", "1\n2\t3", {}}, {"LONG_NAME_OF_ARG", "", "x", {}}};
  EXPECT_EQ(outline_text(outline),
            "BUILD ARG          VALUE   DESCRIPTION\n"
            "A                  1\n"
            "2                  3   \n"
            "LONG_NAME_OF_ARG   x   \n\n");
}

TEST(OutlineReport, HasPositionsLineByLine) {
  Outline outline;
  outline.name = "a";
  outline.args = {{"X", "", "", {"Dockerfile", 1, 2}}};
  EXPECT_EQ(outline_json(outline, ""),
            R"({
  "name": "a",
  "args": [
    {
      "name": "X",
      "location": {
        "ranges": [
          {
            "start": {
              "line": 1
            },
            "end": {
              "line": 1
            }
          },
          {
            "start": {
              "line": 2
            },
            "end": {
              "line": 2
            }
          }
        ]
      }
    }
  ],
  "sources": [
    ""
  ]
})");
}

TEST(TargetsReport, NamesTheDefault) {
  std::vector<Stage> stages(2);
  stages[0].name = "build";
  stages[0].doc_comment = "makes it";
  stages[0].base_name = "alpine:$V";
  stages[0].platform = "linux/arm64";
  stages[0].info.span = {"Dockerfile", 2, 2};
  stages[1].base_name = "scratch";
  stages[1].info.span = {"Dockerfile", 3, 3};
  EXPECT_EQ(targets_text(stages),
            "TARGET    DESCRIPTION\n"
            "build     makes it\n"
            "(default) \n");
  stages[1].name = "app";
  EXPECT_EQ(targets_text(stages),
            "TARGET        DESCRIPTION\n"
            "build         makes it\n"
            "app (default) \n");
  const std::string json = targets_json(stages, "");
  EXPECT_NE(json.find("\"name\": \"build\",\n      \"description\": \"makes it\",\n      \"base\": "
                      "\"alpine:$V\",\n      \"platform\": \"linux/arm64\""),
            std::string::npos)
      << json;
  EXPECT_NE(json.find("\"name\": \"app\",\n      \"default\": true,\n      \"base\": \"scratch\""),
            std::string::npos)
      << json;
  EXPECT_TRUE(targets_json({}, "").starts_with("{\n  \"targets\": null,"));
}

}  // namespace
}  // namespace slipway::cli
