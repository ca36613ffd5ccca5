#include "store/space_limits.h"

#include <gtest/gtest.h>

namespace slipway::store {
namespace {

constexpr DiskSpace kDisk = {.total = 1000, .free = 100};

TEST(SpaceLimits, NothingGivenIsNoLimit) {
  EXPECT_EQ(bytes_to_keep({}, 500, kDisk), std::nullopt);
}

TEST(SpaceLimits, OneAlone) {
  EXPECT_EQ(bytes_to_keep({.reserved = 50}, 500, kDisk), 50u);
  EXPECT_EQ(bytes_to_keep({.max_used = 300}, 500, kDisk), 300u);
  EXPECT_EQ(bytes_to_keep({.min_free = 150}, 500, kDisk), 450u);
}

TEST(SpaceLimits, NothingHasToGoWhereEnoughIsFree) {
  EXPECT_EQ(bytes_to_keep({.min_free = 80}, 500, kDisk), 500u);
  EXPECT_EQ(bytes_to_keep({.max_used = 600, .min_free = 80}, 500, kDisk), 600u);
}

TEST(SpaceLimits, TheStricterOfTwoDownToWhatIsReserved) {
  EXPECT_EQ(bytes_to_keep({.max_used = 300, .min_free = 150}, 500, kDisk), 300u);
  EXPECT_EQ(bytes_to_keep({.max_used = 480, .min_free = 150}, 500, kDisk), 450u);
  EXPECT_EQ(bytes_to_keep({.reserved = 470, .max_used = 480, .min_free = 150}, 500, kDisk), 470u);
  EXPECT_EQ(bytes_to_keep({.min_free = 900}, 500, kDisk), 0u);
}

}  // namespace
}  // namespace slipway::store
