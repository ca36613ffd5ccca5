// Other people's cases: answers of the official libraries and dumps of the official parser.
#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "frontend/dockerfile/conformance_data.h"
#include "frontend/dockerfile/conformance_oracle.h"
#include "frontend/dockerfile/instruction_parser.h"
#include "frontend/dockerfile/parser.h"

namespace slipway::dockerfile {
namespace {

using nlohmann::json;

// Shell words promise BuildKit's error texts; of the others, an error has to be an error.
bool is_same(const json& request, const json& want, const json& got) {
  const std::string function = request["f"];
  const bool same_text = function == "word" || function == "words";
  return same_text || !want.contains("err") ? want == got : got.contains("err");
}

TEST(Conformance, UnitAnswersAreTheOfficialOnes) {
  const auto file = conformance_data("unit/unit.jsonl");
  if (!file) GTEST_SKIP() << "no conformance data beside the repository";
  std::ifstream lines(*file);
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const json test = json::parse(line);
    const json got = answer_to(test["req"]);
    EXPECT_TRUE(is_same(test["req"], test["want"], got))
        << "id " << test["id"] << ": " << test["req"] << "\n  want " << test["want"] << "\n  got  "
        << got;
  }
  EXPECT_GE(count, 520);
}

std::vector<std::filesystem::path> files_ending_in(const std::filesystem::path& folder,
                                                   std::string_view ending) {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().string().ends_with(ending)) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::string without_ending(const std::filesystem::path& path, size_t length) {
  const std::string text = path.string();
  return text.substr(0, text.size() - length);
}

TEST(Conformance, SyntaxTreesAreTheOfficialOnes) {
  const auto folder = conformance_data("dockerfiles");
  if (!folder) GTEST_SKIP() << "no conformance data beside the repository";
  const auto dumps = files_ending_in(*folder, ".ast");
  for (const auto& dump_file : dumps) {
    const std::string dockerfile = without_ending(dump_file, 4);
    const auto tree = parse_syntax(read_text(dockerfile), dockerfile);
    if (!tree) {
      ADD_FAILURE() << dockerfile << ": " << tree.error().message();
      continue;
    }
    std::string want = read_text(dump_file);
    while (want.ends_with('\n')) want.pop_back();
    EXPECT_EQ(dump(*tree), want) << dockerfile;
  }
  EXPECT_GE(dumps.size(), 600u);
}

TEST(Conformance, WhatTheOfficialParserRejectsIsRejected) {
  const auto folder = conformance_data("dockerfiles");
  if (!folder) GTEST_SKIP() << "no conformance data beside the repository";
  const auto errors = files_ending_in(*folder, ".ast.err");
  for (const auto& error_file : errors) {
    const std::string dockerfile = without_ending(error_file, 8);
    EXPECT_FALSE(parse_syntax(read_text(dockerfile), dockerfile))
        << dockerfile << ": " << read_text(error_file);
  }
  EXPECT_FALSE(errors.empty());
}

// What the official frontend converts has to parse; what it calls a parse error has to be one.
TEST(Conformance, InstructionsParseWhereTheOfficialOnesDo) {
  const auto folder = conformance_data("dockerfiles");
  if (!folder) GTEST_SKIP() << "no conformance data beside the repository";
  int parsed = 0;
  for (const auto& dump_file : files_ending_in(*folder, ".ast")) {
    const std::string dockerfile = without_ending(dump_file, 4);
    const bool parse_error =
        read_text(dockerfile + ".err").contains("refllb: dockerfile parse error on line");
    if (!parse_error && !std::filesystem::exists(dockerfile + ".json")) continue;
    const auto result = parse_dockerfile(read_text(dockerfile), dockerfile);
    EXPECT_EQ(result.has_value(), !parse_error)
        << dockerfile << ": " << (result ? "" : result.error().message());
    ++parsed;
  }
  EXPECT_GE(parsed, 500);
}

}  // namespace
}  // namespace slipway::dockerfile
