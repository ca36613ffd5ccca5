#include "cli/usage_filter.h"

#include <gmock/gmock.h>

namespace slipway::cli {
namespace {

using testing::HasSubstr;

constexpr int64_t kNow = 1'000'000'000'000'000;

store::UsageRecord cache_mount() {
  store::UsageRecord record;
  record.kind = store::UsageKind::CacheMount;
  record.id = "cache-mount:3";
  record.description = "cache mount /root/.cache/uv";
  record.last_used = kNow - 3'600'000'000;  // an hour ago
  return record;
}

bool matches(const std::vector<std::string>& texts) {
  return UsageFilter::parse(texts, kNow)->matches(cache_mount());
}

TEST(UsageFilter, ComparesTextsAndFlags) {
  EXPECT_TRUE(matches({}));
  EXPECT_TRUE(matches({"type=exec.cachemount"}));
  EXPECT_TRUE(matches({"type==exec.cachemount,description~=uv$"}));
  EXPECT_FALSE(matches({"type!=exec.cachemount"}));
  EXPECT_FALSE(matches({"type=exec.cachemount", "id=cache-mount:4"}));
  EXPECT_TRUE(matches({"private", "inuse=false"}));
  EXPECT_FALSE(matches({"inuse"}));
}

TEST(UsageFilter, KnowsBuildKitsKeys) {
  EXPECT_TRUE(matches({"mutable"}));
  EXPECT_FALSE(matches({"immutable"}));
  EXPECT_FALSE(matches({"parents~=snapshot"}));
  EXPECT_TRUE(matches({"unused-for=30m"}));
}

TEST(UsageFilter, AnIdMayBeAsShortAsListsShowIt) {
  store::UsageRecord blob;
  blob.id = "sha256:0123456789abcdef0123456789abcdef";
  EXPECT_TRUE(UsageFilter::parse({"id=sha256:0123456789ab"}, kNow)->matches(blob));
  EXPECT_FALSE(UsageFilter::parse({"id=sha256:0123456789"}, kNow)->matches(blob));
  EXPECT_FALSE(matches({"id=cache-mount:"}));
}

TEST(UsageFilter, UntilIsTheTimeOfTheLastUse) {
  EXPECT_TRUE(matches({"until=30m"}));
  EXPECT_FALSE(matches({"until=2h"}));
  EXPECT_TRUE(matches({"until=2001-09-10T00:00:00Z"}));
  EXPECT_EQ(UsageFilter::parse({"until=1h"}, kNow)->used_before(), kNow - 3'600'000'000);
}

TEST(UsageFilter, MistakesAreNamed) {
  EXPECT_THAT(UsageFilter::parse({"typ=x"}, kNow).error().message(),
              HasSubstr("did you mean type"));
  EXPECT_FALSE(UsageFilter::parse({"id"}, kNow));
  EXPECT_FALSE(UsageFilter::parse({"inuse=maybe"}, kNow));
  EXPECT_FALSE(UsageFilter::parse({"description~=("}, kNow));
  EXPECT_FALSE(UsageFilter::parse({"until=soon"}, kNow));
  EXPECT_FALSE(UsageFilter::parse({"until=1h", "unused-for=2h"}, kNow));
  EXPECT_FALSE(UsageFilter::parse({"type=regular", "type=blob"}, kNow));
}

}  // namespace
}  // namespace slipway::cli
