#include "base/text.h"

#include <gtest/gtest.h>

namespace slipway {
namespace {

TEST(Text, NearestFindsTyposOnly) {
  EXPECT_EQ(nearest("form", {"from", "run", "copy"}), "from");
  EXPECT_EQ(nearest("--chwon", {"--chown", "--chmod"}), "--chown");
  EXPECT_EQ(nearest("zzzzzz", {"from", "run"}), "");
}

TEST(Text, HumanBytesUsesDecimalUnits) {
  EXPECT_EQ(human_bytes(0), "0B");
  EXPECT_EQ(human_bytes(1536), "1.536kB");
  EXPECT_EQ(human_bytes(5'400'000'000), "5.4GB");
}

TEST(Text, SplitKeepsEmptyParts) {
  EXPECT_EQ(split("a,,b", ','), (std::vector<std::string>{"a", "", "b"}));
  EXPECT_EQ(split("", ','), (std::vector<std::string>{""}));
}

TEST(TextTest, BaseName) {
  EXPECT_EQ(base_name("/usr/bin/sh"), "sh");
  EXPECT_EQ(base_name("sh"), "sh");
  EXPECT_EQ(base_name("a/dir//"), "dir");
  EXPECT_EQ(base_name("//"), "/");
  EXPECT_EQ(base_name(""), ".");
}

}  // namespace
}  // namespace slipway
