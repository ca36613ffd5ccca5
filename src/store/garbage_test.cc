#include "store/garbage.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/temp_dir.h"
#include "store/result_id.h"

namespace slipway::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int64_t kDay = int64_t{24} * 3600 * 1'000'000;
constexpr int64_t kNow = 20'000 * kDay;
constexpr uint64_t kMegabyte = 1 << 20;

class GarbageTest : public testing::Test {
 protected:
  SnapshotId snapshot(int64_t last_used, size_t megabytes = 1) {
    const auto active = *store_->snapshotter().prepare({});
    std::ofstream(active->layers().upper / "f") << std::string(megabytes << 20, 'x');
    const SnapshotId id = *active->commit();
    EXPECT_TRUE(store_->core()->database().lock()->run(
        "UPDATE snapshots SET last_used = ?2 WHERE id = ?1", id.value, last_used));
    return id;
  }
  std::vector<std::string> collected(const std::vector<GarbageRule>& rules) {
    std::vector<std::string> ids;
    const PruneReport report = *collect_garbage(*store_, rules, kNow, false, {});
    for (const UsageRecord& record : report.removed) {
      if (record.kind != UsageKind::Internal) ids.push_back(record.id);
    }
    return ids;
  }
  uint64_t used() { return total_bytes(*usage_records(*store_)); }

  TempDir directory_ = *TempDir::create("/var/tmp", "slipway-garbage-");
  std::unique_ptr<Store> store_ = *Store::open({directory_.path() / "s", false, {}});
};

TEST_F(GarbageTest, NothingGoesBelowTheLimits) {
  snapshot(1);
  EXPECT_THAT(collected(garbage_rules({.max_used = 1000 * kMegabyte})), IsEmpty());
}

TEST_F(GarbageTest, WhatWasUsedLongestAgoGoesDownToTheLimit) {
  const SnapshotId middle = snapshot(kNow - 2 * kDay);
  const SnapshotId old = snapshot(kNow - 3 * kDay);
  const SnapshotId fresh = snapshot(kNow);
  const auto rules = garbage_rules({.max_used = used() - kMegabyte * 3 / 2});
  EXPECT_THAT(collected(rules), ElementsAre(to_result_id(old), to_result_id(middle)));
  EXPECT_TRUE(store_->snapshotter().pin(fresh));
  EXPECT_THAT(collected(rules), IsEmpty());
}

TEST_F(GarbageTest, WhatIsReservedStays) {
  snapshot(kNow - 100 * kDay);
  EXPECT_THAT(collected(garbage_rules({.reserved = 2 * used(), .max_used = 1})), IsEmpty());
}

TEST_F(GarbageTest, LayersOfImagesGoLast) {
  const SnapshotId layer = snapshot(kNow - 3 * kDay);
  ASSERT_TRUE(store_->layers().add_chain(Digest::sha256_of("chain"), layer));
  const SnapshotId result = snapshot(kNow);
  EXPECT_THAT(collected(garbage_rules({.max_used = 1})),
              ElementsAre(to_result_id(result), to_result_id(layer)));
}

TEST_F(GarbageTest, WhatARunningBuildUsesStaysWhateverTheLimits) {
  const auto other = *Store::open({directory_.path() / "s", false, {}});
  const SnapshotId used = snapshot(kNow - 100 * kDay);
  const auto pin = *other->snapshotter().pin(used);
  const auto lease = *other->cache_mounts().acquire({.id = "uv"}, {});
  EXPECT_THAT(collected(garbage_rules({.max_used = 1})), IsEmpty());
}

TEST_F(GarbageTest, TheFirstRuleTakesOnlyBlobs) {
  snapshot(kNow - 100 * kDay);
  Digest stray;
  {
    const auto writer = *Store::open({directory_.path() / "s", false, {}});
    stray = *writer->content().put(std::string(100, 'x'));
  }
  const int64_t later = now_microseconds() + 3 * kDay;
  const std::vector<GarbageRule> rules = {
      {.only_easily_made = true, .unused_for = 2 * kDay, .limits = {.max_used = 1}}};
  const PruneReport report = *collect_garbage(*store_, rules, later, false, {});
  ASSERT_EQ(report.removed.size(), 1u);
  EXPECT_EQ(report.removed[0].id, stray.str());
}

TEST(GarbageRules, DefaultLimitsAreBuildKits) {
  constexpr uint64_t kGigabyte = 1'000'000'000;
  EXPECT_EQ(default_limits({.total = 50 * kGigabyte}),
            (SpaceLimits{5 * kGigabyte, 40 * kGigabyte, 10 * kGigabyte}));
  EXPECT_EQ(default_limits({.total = 1000 * kGigabyte}),
            (SpaceLimits{10 * kGigabyte, 100 * kGigabyte, 200 * kGigabyte}));
}

}  // namespace
}  // namespace slipway::store
