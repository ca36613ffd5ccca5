#include "oci/platform_list.h"

#include <gtest/gtest.h>

namespace slipway {
namespace {

TEST(PlatformList, HasCommasAndTheMachineItself) {
  const auto platforms = *parse_platform_list("linux/arm64,LOCAL");
  ASSERT_EQ(platforms.size(), 2u);
  EXPECT_EQ(platforms[0].str(), "linux/arm64");
  EXPECT_EQ(platforms[1], Platform::host());
  EXPECT_FALSE(parse_platform_list("linux/arm64,"));
}

}  // namespace
}  // namespace slipway
