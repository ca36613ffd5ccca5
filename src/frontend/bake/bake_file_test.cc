#include "frontend/bake/bake_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/bake/resolve.h"
#include "frontend/hcl/functions.h"

namespace slipway::bake {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

Result<Definitions> read(const std::string& text, const std::string& name = "docker-bake.hcl",
                         std::map<std::string, std::string> environment = {}) {
  const BakeFile file{name, text};
  BakeOptions options;
  options.environment = [environment](const std::string& variable) {
    const auto found = environment.find(variable);
    return found == environment.end() ? std::nullopt : std::optional(found->second);
  };
  options.built_in = {{"BAKE_LOCAL_PLATFORM", "linux/amd64"}};
  options.functions = hcl::standard_functions({"/home/x", nullptr});
  Definitions definitions;
  TRY(read_bake_files({&file, 1}, options, definitions));
  return definitions;
}

std::string error_of(const std::string& text, const std::string& name = "docker-bake.hcl") {
  const auto result = read(text, name);
  return result ? "" : result.error().message();
}

const TargetDefinition& target_of(const Result<Definitions>& definitions, size_t index = 0) {
  EXPECT_TRUE(definitions) << definitions.error().message();
  return definitions->targets.at(index);
}

TEST(BakeFile, VariablesComeFromOutsideOrTheirDefault) {
  const std::string text = R"(
    variable "FROM_ENV" { default = "x" }
    variable "D" { default = "d" }
    variable "NUMBER" { default = 1 }
    variable "NOTHING" {}
    target "a" {
      args = { A = "${FROM_ENV}-${D}", B = NOTHING, N = NUMBER + 1, P = BAKE_LOCAL_PLATFORM }
    })";
  EXPECT_THAT(
      target_of(read(text, "docker-bake.hcl", {{"FROM_ENV", "e"}, {"NUMBER", "41"}})).args,
      ElementsAre(Pair("A", "e-d"), Pair("B", ""), Pair("N", "42"), Pair("P", "linux/amd64")));
}

TEST(BakeFile, TypedVariablesReadCsvAndJson) {
  const std::string text = R"(
    variable "LIST" { type = list(number) }
    variable "OBJECT" { type = object({a = string, b = optional(string)}) }
    target "a" {
      tags = [for n in LIST : "t${n}"]
      args = { A = OBJECT.a, B = OBJECT.b }
    })";
  const auto result =
      read(text, "docker-bake.hcl", {{"LIST", "1,2"}, {"OBJECT_JSON", R"({"a": "x"})"}});
  EXPECT_THAT(*target_of(result).tags, ElementsAre("t1", "t2"));
  EXPECT_THAT(target_of(result).args, ElementsAre(Pair("A", "x")));
  EXPECT_EQ(result->variables.at(0).type, "list of number");
  EXPECT_EQ(result->variables.at(0).value, "[1,2]");
  EXPECT_THAT(read(text, "docker-bake.hcl", {{"OBJECT", "a"}}).error().message(),
              HasSubstr("set OBJECT_JSON"));
}

TEST(BakeFile, ValidationsStopWithTheirMessage) {
  const std::string text = R"(
variable "V" {
  default = 3
  validation {
    condition = V > 5
    error_message = "V must be greater than 5, not ${V}."
  }
})";
  EXPECT_EQ(error_of(text),
            "docker-bake.hcl:5,17-22: variable V is not valid: V must be greater than 5, not 3.");
}

TEST(BakeFile, FunctionsTakeParametersAndTheRest) {
  const auto result = read(R"(
    function "tag" {
      params = [name]
      variadic_params = more
      result = "${name}:${join("-", more)}"
    }
    target "a" { tags = [tag("app", 1, "x")] })");
  EXPECT_THAT(*target_of(result).tags, ElementsAre("app:1-x"));
  EXPECT_THAT(error_of(R"(
    function "f" {
      params = []
      result = f()
    })"),
              HasSubstr("function cycle not allowed for f"));
}

TEST(BakeFile, TargetsSeeOneAnother) {
  const auto result = read(R"(
    target "b" { args = { v = target.a.args.v, t = target.a.tags[0] } }
    target "a" {
      args = { v = upper(target.c.context) }
      tags = ["x"]
    }
    target "c" { context = "dir" })");
  EXPECT_THAT(target_of(result).args, ElementsAre(Pair("t", "x"), Pair("v", "DIR")));
  EXPECT_THAT(error_of(R"(
    target "a" { context = target.b.context }
    target "b" { context = target.a.context })"),
              HasSubstr("reference cycle not allowed for target."));
}

TEST(BakeFile, AMatrixMakesTargetsAndAGroupOfThem) {
  const auto result = read(R"(
    target "app" {
      name = "app-${os}-${replace(version, ".", "_")}"
      matrix = { os = ["a", "b"], version = ["1.0", "2.0"] }
      tags = ["app:${os}${version}"]
    })");
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->targets.size(), 4u);
  EXPECT_EQ(result->groups.at(0).name, "app");
  EXPECT_THAT(result->groups.at(0).targets,
              UnorderedElementsAre("app-a-1_0", "app-a-2_0", "app-b-1_0", "app-b-2_0"));
  EXPECT_THAT(error_of(R"(target "a" { matrix = { x = [1, 2] } })"), HasSubstr("duplicate name"));
}

TEST(BakeFile, JsonIsHclToo) {
  const auto result = read(R"({
    "variable": {"V": {"default": "v"}},
    "target": {"a": {"args": {"A": "${upper(V)}", "B": "$${V}"}, "cache-from": ["x", {"type": "gha"}]},
               "b": [{"tags": ["1"]}, {"labels": {"l": 1}}]}})",
                           "docker-bake.json");
  EXPECT_THAT(target_of(result).args, ElementsAre(Pair("A", "V"), Pair("B", "${V}")));
  EXPECT_EQ(target_of(result).cache_from->at(1).at("type"), "gha");
  EXPECT_THAT(*target_of(result, 1).tags, ElementsAre("1"));
  EXPECT_THAT(error_of("{", "docker-bake.json"), HasSubstr("docker-bake.json:1,"));
}

TEST(BakeFile, LaterFilesAreLaidOverEarlierOnes) {
  const BakeFile files[] = {
      {"a.hcl", "x = 1\ntarget \"a\" {\n  tags = [\"t${x}\"]\n  args = { A = 1 }\n}\n"},
      {"b.json", R"({"x": 2, "target": {"a": {"args": {"B": "2"}}}})"}};
  Definitions definitions;
  ASSERT_TRUE(read_bake_files(files, {}, definitions));
  EXPECT_THAT(*definitions.targets.at(0).tags, ElementsAre("t2"));
  EXPECT_THAT(definitions.targets.at(0).args, ElementsAre(Pair("A", "1"), Pair("B", "2")));
}

TEST(BakeFile, ErrorsNameThePlaceAndTheNearestName) {
  EXPECT_EQ(
      error_of("target \"a\" {\n  tags = [VERSON]\n}\nvariable \"VERSION\" {}\n"),
      "docker-bake.hcl:2,11-17: there is no variable named \"VERSON\" (did you mean VERSION?)");
  EXPECT_THAT(error_of("target \"a\" {\n  tags = [uper(\"x\")]\n}\n"),
              HasSubstr("there is no function named \"uper\" (did you mean upper?)"));
  const auto result = read("target \"a\" {\n  contxt = \"x\"\n}\n");
  ASSERT_TRUE(result);
  EXPECT_THAT(result->warnings, ElementsAre(HasSubstr("did you mean context?")));
}

}  // namespace
}  // namespace slipway::bake
