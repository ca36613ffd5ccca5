// One line per function; tests/conformance/fuzz_bake.py compares many more with buildx.
#include "frontend/hcl/functions.h"

#include <gtest/gtest.h>

#include "frontend/hcl/evaluate.h"
#include "frontend/hcl/parser.h"
#include "frontend/hcl/value_json.h"

namespace slipway::hcl {
namespace {

std::string shown(std::string_view text) {
  Scope scope;
  scope.functions = standard_functions({"/home/x", [] { return int64_t{1714557600}; }});
  const auto expression = parse_expression(text, std::make_shared<const std::string>("f"), {});
  if (!expression) return expression.error().message();
  const Result<Value> value = evaluate(**expression, &scope);
  return value ? to_json(*value) : value.error().message();
}

TEST(Functions, OfNumbers) {
  EXPECT_EQ(shown("[ceil(1.2), floor(-1.2), int(-1.7), absolute(-3), signum(-2)]"),
            "[2,-2,-1,3,-1]");
  EXPECT_EQ(shown("[pow(2, 10), log(8, 2), parseint(\"ff\", 16), min(2, 1), modulo(7, 4)]"),
            "[1024,3,255,1,3]");
  EXPECT_EQ(shown("substr(1 / 3, 150, -1)"), "\"3333335\"");
}

TEST(Functions, OfTexts) {
  EXPECT_EQ(shown("[upper(\"aé\"), title(\"a bc-d\"), reverse(\"abc\"), strlen(\"añb\")]"),
            "[\"AÉ\",\"A Bc-D\",\"cba\",3]");
  EXPECT_EQ(
      shown("[substr(\"hello\", -3, 2), replace(\"aXbX\", \"X\", \"-\"), trim(\"?a?\", \"?\")]"),
      "[\"ll\",\"a-b-\",\"a\"]");
  EXPECT_EQ(shown("[split(\",\", \"a,b\"), join(\"+\", [\"a\"], [\"b\"]), sort([\"b\", \"a\"])]"),
            "[[\"a\",\"b\"],\"a+b\",[\"a\",\"b\"]]");
  EXPECT_EQ(
      shown("format(\"%s|%5d|%-4s|%05.1f|%#v|%v|%x\", \"a\", 7, \"b\", 2.25, \"q\", 1000000, 255)"),
      "\"a|    7|b   |002.2|\\\"q\\\"|1e+06|ff\"");
  EXPECT_EQ(shown("formatlist(\"%s-%d\", [\"a\", \"b\"], 1)"), "[\"a-1\",\"b-1\"]");
  EXPECT_EQ(shown("[regex(\"(\\\\d+)-(x)?\", \"12-\"), regexall(\"[a-z]\", \"a1b\")]"),
            "[[\"12\",null],[\"a\",\"b\"]]");
  EXPECT_EQ(shown("regex_replace(\"a1b2\", \"([a-z])(\\\\d)\", \"$2$1.\")"), "\"1a.2b.\"");
  EXPECT_EQ(shown("[basename(\"/a/b/\"), dirname(\"a/../b/c\"), sanitize(\"a.b/c\"), homedir()]"),
            "[\"b\",\"b\",\"a_b_c\",\"/home/x\"]");
}

TEST(Functions, OfCollections) {
  EXPECT_EQ(shown("[concat([1], [\"a\"]), flatten([[1, [2]], 3]), distinct([1, 1, 2])]"),
            "[[1,\"a\"],[1,2,3],[1,2]]");
  EXPECT_EQ(
      shown("[element([1, 2], 3), slice([1, 2, 3], 1, 2), chunklist([1, 2, 3], 2), range(3)]"),
      "[2,[2],[[1,2],[3]],[0,1,2]]");
  EXPECT_EQ(shown("merge({a = 1}, {b = 2}, {a = 3})"), "{\"a\":3,\"b\":2}");
  EXPECT_EQ(shown("[keys({b = 1, a = 2}), lookup({a = 1}, \"b\", 0), zipmap([\"a\"], [1])]"),
            "[[\"a\",\"b\"],0,{\"a\":1}]");
  EXPECT_EQ(
      shown("[setunion([1], [2, 1]), setsubtract([1, 2], [2]), setproduct([1], [\"a\", \"b\"])]"),
      "[[1,2],[1],[[1,\"a\"],[1,\"b\"]]]");
  EXPECT_EQ(
      shown(
          "[contains([1], 1), indexof([\"a\", \"b\"], \"b\"), coalesce(null, 2), length({a = 1})]"),
      "f:1,65-80: length: collection must be a list, a map or a tuple");
}

TEST(Functions, OfEncodingsAndHashes) {
  EXPECT_EQ(shown("[base64encode(\"a\"), base64decode(\"YQ==\"), urlencode(\"a b&\")]"),
            "[\"YQ==\",\"a\",\"a+b%26\"]");
  EXPECT_EQ(shown("[jsonencode({a = [1, null]}), jsondecode(\"{\\\"a\\\": 1.50}\")]"),
            R"(["{\"a\":[1,null]}",{"a":1.5}])");
  EXPECT_EQ(shown("csvdecode(\"a,b\\n1,\\\"x,y\\\"\\n\")"), R"([{"a":"1","b":"x,y"}])");
  EXPECT_EQ(shown("md5(\"a\")"), "\"0cc175b9c0f1b6a831c399e269772661\"");
  EXPECT_EQ(shown("uuidv5(\"dns\", \"example.com\")"), "\"cfbff0d1-9375-5685-968c-48ce8b15ae17\"");
  EXPECT_EQ(shown("[strlen(uuidv4()), substr(bcrypt(\"x\", 4), 0, 7)]"), "[36,\"$2a$04$\"]");
}

TEST(Functions, OfTimesNetworksAndVersions) {
  EXPECT_EQ(shown("timestamp()"), "\"2024-05-01T10:00:00Z\"");
  EXPECT_EQ(shown("formatdate(\"EEE, DD MMM YYYY hh:mm 'o''clock' ZZZ\", timestamp())"),
            "\"Wed, 01 May 2024 10:00 o'clock UTC\"");
  EXPECT_EQ(shown("timeadd(\"2024-02-29T23:59:59+02:00\", \"1m\")"),
            "\"2024-03-01T00:00:59+02:00\"");
  EXPECT_EQ(shown("formattimestamp(\"X\", \"2024-05-01T10:00:00Z\")"), "\"1714557600\"");
  EXPECT_EQ(shown("unixtimestampparse(0).weekday_name"), "\"Thursday\"");
  EXPECT_EQ(shown("[cidrhost(\"10.0.0.0/8\", -2), cidrsubnet(\"fd00::/8\", 8, 1), "
                  "cidrnetmask(\"1.2.3.4/20\")]"),
            "[\"10.255.255.254\",\"fd01::/16\",\"255.255.240.0\"]");
  EXPECT_EQ(shown("cidrsubnets(\"10.1.0.0/16\", 4, 8, 4)"),
            "[\"10.1.0.0/20\",\"10.1.16.0/24\",\"10.1.32.0/20\"]");
  EXPECT_EQ(shown("[semvercmp(\"1.2.3\", \">= 1.2, < 2\"), semvercmp(\"v2\", \"1.x || ^2.0\")]"),
            "[true,true]");
}

}  // namespace
}  // namespace slipway::hcl
