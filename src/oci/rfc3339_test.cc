#include "oci/rfc3339.h"

#include <gtest/gtest.h>

namespace slipway {
namespace {

TEST(Rfc3339, FormatsAndReadsBack) {
  EXPECT_EQ(format_rfc3339(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(format_rfc3339(951782400, 120'000'000), "2000-02-29T00:00:00.12Z");
  EXPECT_EQ(*rfc3339_seconds("2000-02-29T00:00:00.12Z"), 951782400);
  EXPECT_EQ(*rfc3339_seconds("2000-02-29T02:00:00+02:00"), 951782400);
  EXPECT_EQ(*rfc3339_seconds("1969-12-31T23:59:59Z"), -1);
}

TEST(Rfc3339, CanonicalFormIsWhatGoPrints) {
  EXPECT_EQ(*canonical_rfc3339("2000-01-01T00:00:00.000+00:00"), "2000-01-01T00:00:00Z");
  EXPECT_EQ(*canonical_rfc3339("2000-01-01T00:00:00.1234567899-07:30"),
            "2000-01-01T00:00:00.123456789-07:30");
}

TEST(Rfc3339, TheOrderIsThatOfTheTimes) {
  EXPECT_TRUE(rfc3339_before("2026-01-01T00:00:00.1Z", "2026-01-01T00:00:00.12Z"));
  EXPECT_TRUE(rfc3339_before("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.1Z"));
  EXPECT_TRUE(rfc3339_before("2026-01-01T02:00:00+02:00", "2026-01-01T00:00:01Z"));
  EXPECT_FALSE(rfc3339_before("2026-01-01T00:00:00.1Z", "2026-01-01T00:00:00.1Z"));
  EXPECT_TRUE(rfc3339_before("", "1970-01-01T00:00:00Z"));
  EXPECT_FALSE(rfc3339_before("1970-01-01T00:00:00Z", ""));
  EXPECT_FALSE(rfc3339_before("", ""));
}

}  // namespace
}  // namespace slipway
