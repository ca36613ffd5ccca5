#include "base/base64.h"

#include <gtest/gtest.h>

namespace slipway {
namespace {

TEST(Base64, DecodesOnlyTheStandardForm) {
  EXPECT_EQ(decode_base64("YQ=="), "a");
  EXPECT_EQ(decode_base64("YWI="), "ab");
  EXPECT_EQ(decode_base64("YWJj"), "abc");
  EXPECT_EQ(decode_base64(""), "");
  for (const char* bad : {"Y", "YQ", "Y===", "====", "YQ==YQ==", "Y-==", "YQ=\n"}) {
    EXPECT_EQ(decode_base64(bad), std::nullopt) << bad;
  }
}

TEST(Base64, EveryByteComesBack) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  for (size_t length = 0; length <= bytes.size(); ++length) {
    EXPECT_EQ(decode_base64(encode_base64(bytes.substr(0, length))), bytes.substr(0, length));
  }
}

}  // namespace
}  // namespace slipway
