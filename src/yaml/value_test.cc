#include "yaml/value.h"

#include <gtest/gtest.h>

namespace slipway::yaml {
namespace {

Value parse(std::string_view text) {
  auto documents = parse_yaml(text, "x.yaml");
  EXPECT_TRUE(documents) << (documents ? "" : documents.error().message());
  return documents && !documents->empty() ? documents->at(0) : Value();
}

TEST(Value, KeepsLinesAndOrder) {
  const Value root = parse("b: 1\na:\n  - x\n  - y: z\n");
  EXPECT_EQ(root.members[0].first, "b");
  EXPECT_EQ(root.find("a")->span.first_line, 2);
  EXPECT_EQ(root.find("a")->items[1].find("y")->span.first_line, 4);
}

TEST(Value, MergeKeysGiveWayToOwnKeys) {
  const Value root = parse("base: &b {x: 1, y: 2}\nd:\n  <<: *b\n  y: 3\n");
  EXPECT_EQ(root.find("d")->find("x")->text, "1");
  EXPECT_EQ(root.find("d")->find("y")->text, "3");
}

TEST(Value, NumbersPrintAsGoPrintsThem) {
  const Value root =
      parse("[1, 007, 0x1F, 1_000, 3.10, 1.0, 1e3, '3.10', 1.2.3, True, 0o17, -0, abc, -, 1e30]");
  std::vector<std::string> texts;
  for (const Value& item : root.items) texts.push_back(scalar_text(item));
  EXPECT_EQ(texts, (std::vector<std::string>{"1", "7", "31", "1000", "3.1", "1", "1000", "3.10",
                                             "1.2.3", "true", "15", "0", "abc", "-", "1e+30"}));
}

TEST(Value, RefusesWhatHasNoEnd) {
  EXPECT_FALSE(parse_yaml("a: &a [*a]\n", "x.yaml"));
  EXPECT_FALSE(parse_yaml(std::string(100000, '['), "x.yaml"));
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    bomb += fmt::format("a{0}: &a{0} [*a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}]\n", i,
                        i - 1);
  }
  EXPECT_FALSE(parse_yaml(bomb, "x.yaml"));
}

TEST(Value, WhatFollowsADocumentIsADocument) {
  for (const char* text : {"{a: 1},\nb: 1\n", "\"a\", b\n", "[a], b\n", " a: 1\nb: 1\n"}) {
    EXPECT_FALSE(parse_yaml(text, "x.yaml")) << text;
  }
  EXPECT_EQ(parse_yaml("a: 1\n---\n---\n{b: 1}\n", "x.yaml")->size(), 3u);
  EXPECT_EQ(parse_yaml("a: 1\n...\n\nb: 1\n", "x.yaml")->size(), 2u);
}

TEST(Value, AQuoteIsClosed) {
  for (const char* text : {"a: \"b\n", "a: 'b\nc: d\n", "- \"b\\\"\n", "\"a"}) {
    EXPECT_FALSE(parse_yaml(text, "x.yaml")) << text;
  }
  for (const char* text : {"a: \"b\"\n", "a: 'b''c'\n", "- \"b\\\"c\n  d\"\n", "a: \"\"\n"}) {
    EXPECT_TRUE(parse_yaml(text, "x.yaml")) << text;
  }
}

TEST(Value, AKeyHasAColon) {
  for (const char* text :
       {"a: 1\nb\n", "a:\n  b: 1\n  c\n", "- a: 1\n  b c\n", "a: |\n  x\nb # c\n"}) {
    EXPECT_FALSE(parse_yaml(text, "x.yaml")) << text;
  }
  for (const char* text :
       {"a:\n", "a :\n", "a:\n  {b, c: }\n", "? a\n? b\n", "'a': 1\n\"b\":\n",
        "- \u00e9: 1\n  \u00e9 \u00e9:\n", "&x a: 1\n", "!!str a: 1\n", "x: &k foo\n*k : y\n"}) {
    EXPECT_TRUE(parse_yaml(text, "x.yaml")) << text;
  }
  EXPECT_EQ(parse_yaml("a: 1\nb\n", "x.yaml").error().spans().at(0).first_line, 2);
}

TEST(Value, SyntaxErrorsNameTheirLine) {
  const auto result = parse_yaml("a: 1\nb: [\n", "x.yaml");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().spans().at(0).file, "x.yaml");
  const auto twice = parse_yaml("a: 1\na: 2\n", "x.yaml");
  EXPECT_EQ(twice.error().message(), "mapping key \"a\" already defined at line 1");
  EXPECT_EQ(twice.error().spans().at(0).first_line, 2);
}

}  // namespace
}  // namespace slipway::yaml
