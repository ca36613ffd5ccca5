#include "oci/platform.h"

#include <gtest/gtest.h>

namespace slipway {
namespace {

TEST(Platform, FillsInWhatIsMissing) {
  EXPECT_EQ(Platform::parse("arm64")->str(), "linux/arm64");
  EXPECT_EQ(Platform::parse("windows")->str(), "windows/" + Platform::host().architecture);
  EXPECT_EQ(Platform::parse("linux/arm")->str(), "linux/arm/v7");
  EXPECT_FALSE(Platform::parse("nonsense"));
  EXPECT_FALSE(Platform::parse("linux/amd64/v2/x"));
  EXPECT_FALSE(Platform::parse("linux//v2"));
}

TEST(Platform, NormalizesNames) {
  EXPECT_EQ(Platform::parse("macOS/x86_64")->str(), "darwin/amd64");
  EXPECT_EQ(Platform::parse("linux/aarch64/v8")->str(), "linux/arm64");
  EXPECT_EQ(Platform::parse("windows(10.0.1+b+a)/amd64")->full_str(), "windows(10.0.1+a+b)/amd64");
}

TEST(Platform, RunsOlderVariantsOfItsArchitecture) {
  const auto runs = [](std::string_view mine, std::string_view image) {
    return Platform::parse(mine)->matches(*Platform::parse(image));
  };
  EXPECT_TRUE(runs("linux/amd64/v3", "linux/amd64"));
  EXPECT_FALSE(runs("linux/amd64", "linux/amd64/v3"));
  EXPECT_TRUE(runs("linux/arm/v7", "linux/arm/v6"));
  EXPECT_FALSE(runs("linux/arm/v6", "linux/arm/v7"));
  EXPECT_TRUE(runs("linux/arm64/v9", "linux/arm64/v8.5"));
  EXPECT_FALSE(runs("linux/arm64/v9", "linux/arm64/v8.6"));
  EXPECT_FALSE(runs("linux/arm64", "linux/amd64"));
  EXPECT_TRUE(runs("windows(10.0.17763.1)/amd64", "windows(10.0.17763.9)/amd64"));
  EXPECT_FALSE(runs("windows(10.0.17763.1)/amd64", "windows(10.0.20348.9)/amd64"));
}

}  // namespace
}  // namespace slipway
