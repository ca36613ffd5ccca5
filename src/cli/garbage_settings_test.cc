#include "cli/garbage_settings.h"

#include <gmock/gmock.h>

namespace slipway::cli {
namespace {

using testing::HasSubstr;

constexpr store::DiskSpace kDisk = {.total = 1'000'000'000'000, .free = 100};

Result<GarbageSettings> settings(std::map<std::string, std::string> variables) {
  Environment environment;
  environment.variables = std::move(variables);
  return garbage_settings(environment, kDisk);
}

TEST(GarbageSettings, WithoutAnySettingBuildKitsLimits) {
  const GarbageSettings defaults = *settings({});
  EXPECT_TRUE(defaults.automatic);
  EXPECT_EQ(defaults.limits.min_free, 200'000'000'000u);
}

TEST(GarbageSettings, WhatIsGivenStandsForAll) {
  const GarbageSettings given =
      *settings({{"SLIPWAY_GC_MAX_USED_SPACE", "30%"}, {"SLIPWAY_GC_RESERVED_SPACE", "1KB"}});
  EXPECT_EQ(given.limits, (store::SpaceLimits{1024, 300'000'000'000, 0}));
  EXPECT_FALSE(settings({{"SLIPWAY_GC", "off"}})->automatic);
}

TEST(GarbageSettings, MistakesAreNamed) {
  EXPECT_THAT(settings({{"SLIPWAY_GC_MIN_FREE_SPACE", "much"}}).error().message(),
              HasSubstr("SLIPWAY_GC_MIN_FREE_SPACE"));
  EXPECT_FALSE(settings({{"SLIPWAY_GC_MIN_FREE_SPACE", "101%"}}));
  EXPECT_FALSE(settings({{"SLIPWAY_GC_MIN_FREE_SPACE", "%"}}));
  EXPECT_FALSE(settings({{"SLIPWAY_GC", "perhaps"}}));
}

}  // namespace
}  // namespace slipway::cli
