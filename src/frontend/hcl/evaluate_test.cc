#include "frontend/hcl/evaluate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/hcl/functions.h"
#include "frontend/hcl/parser.h"
#include "frontend/hcl/value_json.h"

namespace slipway::hcl {
namespace {

using ::testing::HasSubstr;

Result<Value> value_of(std::string_view text) {
  Budget budget;
  Scope scope;
  scope.budget = &budget;
  scope.functions = standard_functions({"/home/x", [] { return int64_t{0}; }});
  scope.variables["name"] = Value::string("x");
  scope.variables["list"] = Value::tuple({Value::number(1), Value::string("b")});
  scope.variables["object"] = Value::object({{"a", Value::number(1)}, {"b", Value()}});
  const ExpressionPtr expression =
      TRY(parse_expression(text, std::make_shared<const std::string>("f"), {}));
  return evaluate(*expression, &scope);
}

// The value as JSON, or the message of the error.
std::string shown(std::string_view text) {
  const Result<Value> value = value_of(text);
  return value ? to_json(*value) : value.error().message();
}

TEST(Evaluate, Operators) {
  EXPECT_EQ(shown("1 + 2 * 3 - 4 / 8 % 3"), "6.5");
  EXPECT_EQ(shown("-2 + 5"), "3");
  EXPECT_EQ(shown("0.1 + 0.2"), "0.3");
  EXPECT_EQ(shown("10 % 3 == 1 && !(2 > 3)"), "true");
  EXPECT_EQ(shown("\"1\" == 1"), "false");
  EXPECT_EQ(shown("\"2\" * 3"), "6");
  EXPECT_EQ(shown("false && nosuch"), "false");
  EXPECT_THAT(shown("true && nosuch"), HasSubstr("there is no variable named \"nosuch\""));
  EXPECT_THAT(shown("1 + null"), HasSubstr("f:1,1-9: an operand is null"));
}

TEST(Evaluate, ConditionalsHaveOneType) {
  EXPECT_EQ(shown("true ? 1 : \"a\""), "\"1\"");
  EXPECT_EQ(shown("false ? 1 : null"), "null");
  EXPECT_EQ(shown("true ? [1] : [\"a\", \"b\"]"), "[\"1\"]");
  EXPECT_EQ(shown("true ? 1 : nosuch"), "1");
  EXPECT_THAT(shown("true ? {} : []"), HasSubstr("do not match: object and tuple"));
}

TEST(Evaluate, SelectionAndSplats) {
  EXPECT_EQ(shown("list[1]"), "\"b\"");
  EXPECT_EQ(shown("list.0"), "1");
  EXPECT_EQ(shown("object[\"a\"]"), "1");
  EXPECT_EQ(shown("[{a = 1}, {a = 2}].*.a"), "[1,2]");
  EXPECT_EQ(shown("[{a = [1, 2]}][*].a[1]"), "[2]");
  EXPECT_EQ(shown("null[*]"), "[]");
  EXPECT_EQ(shown("name[*]"), "[\"x\"]");
  EXPECT_EQ(shown("object.nothing"), "f:1,7-15: this object has no attribute \"nothing\"");
  EXPECT_EQ(shown("list[2]"), "f:1,5-8: the index 2 is beyond the 2 elements there are");
}

TEST(Evaluate, ForExpressions) {
  EXPECT_EQ(shown("[for v in [1, 2, 3] : v * 2 if v != 2]"), "[2,6]");
  EXPECT_EQ(shown("{for k, v in {a = 1, b = 2} : v => k}"), R"({"1":"a","2":"b"})");
  EXPECT_EQ(shown("{for v in [\"aa\", \"b\", \"ac\"] : substr(v, 0, 1) => v...}"),
            R"({"a":["aa","ac"],"b":["b"]})");
  EXPECT_THAT(shown("{for v in [1, 1] : v => v}"), HasSubstr("two elements make the key \"1\""));
}

TEST(Evaluate, Templates) {
  EXPECT_EQ(shown(R"("a${name}b${1 + 1}")"), "\"axb2\"");
  EXPECT_EQ(shown(R"("${list}")"), "[1,\"b\"]");
  EXPECT_EQ(shown(R"("$${name} %%{if} $ %")"), "\"${name} %{if} $ %\"");
  EXPECT_EQ(shown(R"("%{ if name == "x" }yes%{ else }no%{ endif }")"), "\"yes\"");
  EXPECT_EQ(shown(R"("%{ for i, v in [1, 2] ~} ${i}=${v}; %{ endfor ~}  .")"), "\"0=1; 1=2; .\"");
  EXPECT_EQ(shown(R"("a  ${~ name ~}  b")"), "\"axb\"");
  EXPECT_EQ(shown(R"("\u00e9\t\"")"), "\"é\\t\\\"\"");
  EXPECT_THAT(shown(R"("a${object.b}")"), HasSubstr("a null cannot be part of a text"));
  EXPECT_THAT(shown(R"("\q")"), HasSubstr("\\q is not an escape sequence"));
}

TEST(Evaluate, Heredocs) {
  EXPECT_EQ(shown("<<EOT\n  a ${name}\n    b\nEOT\n"), "\"  a x\\n    b\\n\"");
  EXPECT_EQ(shown("<<-EOT\n  a\n\n    b\n  EOT\n"), "\"a\\n\\n  b\\n\"");
  EXPECT_THAT(shown("<<EOT\na"), HasSubstr("the heredoc has no end"));
}

TEST(Evaluate, CallsSpreadTheirLastArgument) {
  EXPECT_EQ(shown("max([1, 3, 2]...)"), "3");
  EXPECT_EQ(shown("try(nosuch, object.c, \"fallback\")"), "\"fallback\"");
  EXPECT_EQ(shown("can(object.c)"), "false");
  EXPECT_EQ(shown("convert([1], list(string))"), "[\"1\"]");
  EXPECT_THAT(shown("upper()"), HasSubstr("upper needs 1 argument: \"str\" is missing"));
  EXPECT_THAT(shown("upper(null)"), HasSubstr("the argument \"str\" must not be null"));
}

TEST(Evaluate, EndsWhereAFileGrowsWithoutEnd) {
  std::string text = "1";
  for (int i = 0; i < 300; ++i) text = "(" + text + ")";
  EXPECT_THAT(shown(text), HasSubstr("nested more than 200 levels deep"));
  EXPECT_THAT(shown("[for a in range(1000) : [for b in range(1000) : [for c in range(1000) : 1]]]"),
              HasSubstr("computes too much"));
}

TEST(Parser, ErrorsNameTheirPlace) {
  const auto message = [](std::string_view text) {
    const auto body = parse_native(text, std::make_shared<const std::string>("f"));
    return body ? "" : body.error().message();
  };
  EXPECT_EQ(message("a = 1\nb {\n  c = \"x\"\n  d \"l\" {}\n}\n# end"), "");
  EXPECT_EQ(message("a = 1\na = 2\n"), "f:2,1-2: a is set already at f:1,1-2");
  EXPECT_EQ(message("a = [1 2]\n"), "f:1,8-9: \",\" is expected between the elements of a list");
  EXPECT_THAT(message("a = 'x'\n"), HasSubstr("single quotes are not valid"));
  EXPECT_THAT(message("a {\n"), HasSubstr("the block has no \"}\""));
  EXPECT_THAT(message("a = \"x\ny\"\n"), HasSubstr("a quoted string ends on its line"));
}

}  // namespace
}  // namespace slipway::hcl
