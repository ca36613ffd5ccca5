#include "store/piece_keys.h"

#include <gtest/gtest.h>

namespace slipway::store {
namespace {

// The key of RFC 8439, 2.5.2, and its message with a line break for the second space.
TEST(PieceKeys, IsPoly1305) {
  const std::string secret =
      "\x85\xd6\xbe\x78\x57\x55\x6d\x33\x7f\x44\x52\xfe\x42\xd5\x06\xa8"
      "\x01\x03\x80\x8a\xfb\x0d\xb2\xfd\x4a\xbf\xf6\xaf\x41\x49\xf5\x1b";
  EXPECT_EQ(PieceKeys(secret).of("Cryptographic Forum", "Research Group"),
            "0fd00848d1f42c3b9dc7a0c0f94b83d8");
}

TEST(PieceKeys, EveryPartCounts) {
  const std::string one(PieceKeys::kSecretBytes, '1');
  const std::string two(PieceKeys::kSecretBytes, '2');
  const std::string key = PieceKeys(one).of("gzip:1", "raw");
  EXPECT_EQ(PieceKeys(one).of("gzip:1", "raw"), key);
  EXPECT_NE(PieceKeys(two).of("gzip:1", "raw"), key);
  EXPECT_NE(PieceKeys(one).of("gzip:2", "raw"), key);
  EXPECT_NE(PieceKeys(one).of("gzip:1", "row"), key);
  EXPECT_NE(PieceKeys(one).of("gzip:1", std::string("raw\0", 4)), key);
}

}  // namespace
}  // namespace slipway::store
