#include "base/values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/unicode.h"

namespace slipway {
namespace {

using ::testing::ElementsAre;

TEST(Values, ReadsBooleansAsGoDoes) {
  EXPECT_TRUE(*parse_bool("True"));
  EXPECT_FALSE(*parse_bool("f"));
  EXPECT_EQ(parse_bool("yes").error().message(),
            "strconv.ParseBool: parsing \"yes\": invalid syntax");
}

TEST(Values, ReadsDurations) {
  EXPECT_EQ(*parse_duration("1h30m"), 5'400'000'000'000);
  EXPECT_EQ(*parse_duration("-1.5s"), -1'500'000'000);
  EXPECT_EQ(*parse_duration("250us"), 250'000);
  EXPECT_EQ(*parse_duration("0"), 0);
  EXPECT_EQ(parse_duration("5").error().message(), "time: missing unit in duration \"5\"");
  EXPECT_EQ(parse_duration("5d").error().message(), "time: unknown unit \"d\" in duration \"5d\"");
  EXPECT_EQ(parse_duration("").error().message(), "time: invalid duration \"\"");
  EXPECT_FALSE(parse_duration("9999999999h"));
}

TEST(Values, ReadsSizesInPowersOf1024) {
  EXPECT_EQ(*parse_size("64m"), 64 << 20);
  EXPECT_EQ(*parse_size("1.5 KiB"), 1536);
  EXPECT_EQ(*parse_size("12b"), 12);
  EXPECT_EQ(*parse_size("1_024k"), 1 << 20);
  EXPECT_FALSE(parse_size("1__0"));
  EXPECT_FALSE(parse_size("99999999999999999999"));
  EXPECT_FALSE(parse_size("12bb"));
  EXPECT_FALSE(parse_size("-1k"));
  EXPECT_FALSE(parse_size("k"));
}

TEST(Values, SplitsOneLineOfCsv) {
  EXPECT_THAT(*parse_csv_line("type=bind,\"src=a,b\",\"say \"\"hi\"\"\","),
              ElementsAre("type=bind", "src=a,b", "say \"hi\"", ""));
  EXPECT_EQ(parse_csv_line("a,b\"c").error().message(),
            "parse error on line 1, column 4: bare \" in non-quoted field");
  EXPECT_FALSE(parse_csv_line("\"a\"b"));
  EXPECT_FALSE(parse_csv_line("\"a"));
  EXPECT_FALSE(parse_csv_line(""));
}

TEST(Unicode, QuotesAsGoDoes) {
  EXPECT_EQ(go_quote("a\"b\\c\n\x01\xff \u00fc\u200b"), R"("a\"b\\c\n\x01\xff )"
                                                        "\u00fc"
                                                        R"(\u200b")");
}

TEST(Unicode, DecodesInvalidBytesOneByOne) {
  EXPECT_EQ(decode_utf8("a\xE2\x82z"), U"a\uFFFD\uFFFDz");
  EXPECT_EQ(encode_utf8(decode_utf8("\u20ac\U0001F600")), "\u20ac\U0001F600");
}

}  // namespace
}  // namespace slipway
