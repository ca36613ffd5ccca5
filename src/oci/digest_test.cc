#include "oci/digest.h"

#include <gtest/gtest.h>

namespace slipway {
namespace {

// FIPS 180-4's example of one block.
constexpr char kAbc[] = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(Digest, HashesContent) {
  EXPECT_EQ(Digest::sha256_of("abc").str(), kAbc);
  EXPECT_EQ(Digest::sha256_of("abc").algorithm(), "sha256");
  EXPECT_EQ(Digest::sha256_of("abc").hex(), std::string(kAbc).substr(7));
}

TEST(Digest, ParsesOnlyTheCanonicalForm) {
  EXPECT_EQ(Digest::parse(kAbc)->str(), kAbc);
  EXPECT_TRUE(Digest::parse("sha512:" + std::string(128, 'a')));
  for (const std::string& bad :
       {std::string(), std::string("sha256:"), std::string("sha256:abc"), std::string(kAbc) + "0",
        "md5:" + std::string(32, 'a'), "sha256:" + std::string(64, 'A'),
        "sha256:../" + std::string(61, 'a')}) {
    const Result<Digest> digest = Digest::parse(bad);
    ASSERT_FALSE(digest) << bad;
    EXPECT_EQ(digest.error().code(), ErrorCode::InvalidInput);
  }
}

TEST(Digest, EmptyNamesNothing) {
  EXPECT_TRUE(Digest().empty());
  EXPECT_EQ(Digest().hex(), "");
  EXPECT_EQ(Digest().algorithm(), "");
}

TEST(Sha256, PeekDoesNotEndTheHash) {
  Sha256 hash;
  hash.update("a");
  EXPECT_EQ(hash.peek(), Digest::sha256_of("a"));
  hash.update("bc");
  EXPECT_EQ(hash.finish().str(), kAbc);
}

}  // namespace
}  // namespace slipway
