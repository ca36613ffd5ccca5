#include "store/whole_caches.h"

#include <fstream>

#include <gtest/gtest.h>

#include "base/temp_dir.h"

namespace slipway::store {
namespace {

namespace fs = std::filesystem;

// A directory as an import leaves it.
class WholeCachesTest : public testing::Test {
 protected:
  CacheMountSpec spec(CacheMountSharing sharing, std::string base = "") {
    CacheMountSpec spec;
    spec.id = "/root/.cache/uv";
    spec.base = std::move(base);
    spec.sharing = sharing;
    return spec;
  }
  std::stop_token stopped() {
    stop_.request_stop();
    return stop_.get_token();
  }
  fs::path contents(const std::string& file, const std::string& content) {
    const fs::path path = *store_->scratch_path("import-") / "data";
    fs::create_directories(path);
    std::ofstream(path / file) << content;
    return path;
  }
  Result<bool> adopt(const fs::path& path, ExistingCache existing, const MergeCache& merge = {}) {
    return adopt_cache_mount(*store_, "/root/.cache/uv", "", path, existing, merge, {});
  }

  // Whether the cache is kept after a crash of the machine.
  bool is_trusted() {
    auto database = store_->core()->database().lock();
    return *database->query("SELECT 1 FROM cache_mounts WHERE unsafe_boot IS NULL")->next();
  }

  TempDir directory_ = *TempDir::create("/var/tmp", "slipway-whole-");
  std::unique_ptr<Store> store_ = *Store::open({directory_.path(), false, {}});
  // Another process's view of the same store.
  std::unique_ptr<Store> other_ = *Store::open({directory_.path(), false, {}});
  std::stop_source stop_;
};

TEST_F(WholeCachesTest, ANewCacheIsTheOneThatTheNextStepGets) {
  EXPECT_TRUE(*adopt(contents("wheel", "x"), ExistingCache::Keep));
  const auto lease = *other_->cache_mounts().acquire(spec(CacheMountSharing::Shared), {});
  EXPECT_TRUE(fs::exists(lease.path() / "wheel"));
  EXPECT_EQ(list_cache_mounts(*store_)->size(), 1u);
}

TEST_F(WholeCachesTest, OneThatIsThereIsKeptMergedOrReplaced) {
  ASSERT_TRUE(*adopt(contents("old", "x"), ExistingCache::Keep));
  const int64_t number = list_cache_mounts(*store_)->at(0).number;
  const fs::path data = store_->cache_mounts().directory(number);
  EXPECT_FALSE(*adopt(contents("new", "x"), ExistingCache::Keep));
  EXPECT_FALSE(fs::exists(data / "new"));

  const fs::path more = contents("more", "x");
  EXPECT_TRUE(*adopt(more, ExistingCache::Merge, [&](const fs::path& existing) -> Status {
    EXPECT_TRUE(fs::exists(existing / "old"));
    fs::create_hard_link(existing / "old", more / "old");
    return {};
  }));
  EXPECT_TRUE(fs::exists(data / "old"));
  EXPECT_TRUE(fs::exists(data / "more"));

  EXPECT_TRUE(*adopt(contents("new", "x"), ExistingCache::Replace));
  EXPECT_TRUE(fs::exists(data / "new"));
  EXPECT_FALSE(fs::exists(data / "old"));
  EXPECT_EQ(list_cache_mounts(*store_)->size(), 1u);
}

TEST_F(WholeCachesTest, AFailedMergeChangesNothing) {
  ASSERT_TRUE(*adopt(contents("old", "x"), ExistingCache::Keep));
  EXPECT_FALSE(adopt(contents("new", "x"), ExistingCache::Merge, [](const fs::path&) -> Status {
    return make_error(ErrorCode::ResourceExhausted, "disk full");
  }));
  const auto lease = *store_->cache_mounts().acquire(spec(CacheMountSharing::Shared), {});
  EXPECT_TRUE(fs::exists(lease.path() / "old"));
  EXPECT_FALSE(fs::exists(lease.path() / "new"));
}

// The next step would take an empty directory for the cache, and give it no owner, mode and base.
TEST_F(WholeCachesTest, AnImportThatFailsLeavesNoEmptyCache) {
  EXPECT_FALSE(adopt(directory_.path() / "not-there", ExistingCache::Keep));
  EXPECT_TRUE(list_cache_mounts(*store_)->empty());
  CacheMountSpec wanted = spec(CacheMountSharing::Shared);
  wanted.mode = 0700;
  const auto lease = *other_->cache_mounts().acquire(wanted, {});
  EXPECT_EQ(fs::status(lease.path()).permissions(), fs::perms(0700));
}

TEST_F(WholeCachesTest, WaitsForStepsAndHoldsThemOff) {
  std::optional<CacheMountLease> lease(
      *other_->cache_mounts().acquire(spec(CacheMountSharing::Shared), {}));
  const int64_t number = list_cache_mounts(*store_)->at(0).number;
  EXPECT_FALSE(*hold_cache_mount(*store_, number, std::chrono::milliseconds(60), {}));
  EXPECT_EQ(adopt_cache_mount(*store_, "/root/.cache/uv", "", contents("new", "x"),
                              ExistingCache::Replace, {}, stopped())
                .error()
                .code(),
            ErrorCode::Cancelled);
  lease.reset();
  const auto held = *hold_cache_mount(*store_, number, {}, {});
  ASSERT_TRUE(held);
  EXPECT_EQ(
      other_->cache_mounts().acquire(spec(CacheMountSharing::Shared), stopped()).error().code(),
      ErrorCode::Cancelled);
}

TEST_F(WholeCachesTest, CachesOfOtherBasesAreOthers) {
  ASSERT_TRUE(*adopt(contents("plain", "x"), ExistingCache::Keep));
  ASSERT_TRUE(*adopt_cache_mount(*store_, "/root/.cache/uv", "sha256:base", contents("based", "x"),
                                 ExistingCache::Keep, {}, {}));
  const auto lease =
      *other_->cache_mounts().acquire(spec(CacheMountSharing::Shared, "sha256:base"), {});
  EXPECT_TRUE(fs::exists(lease.path() / "based"));
  EXPECT_FALSE(fs::exists(lease.path() / "plain"));
}

// A kill may come between a step's changes being the cache's and their being merged.
TEST_F(WholeCachesTest, HoldingCompletesAMerge) {
  ASSERT_TRUE(*adopt(contents("old", "x"), ExistingCache::Keep));
  const int64_t number = list_cache_mounts(*store_)->at(0).number;
  const fs::path data = store_->cache_mounts().directory(number);
  const fs::path changes = data.parent_path() / "changes";
  fs::create_directories(changes);
  std::ofstream(changes / "new") << "y";
  ASSERT_TRUE(*hold_cache_mount(*store_, number, std::chrono::milliseconds(0), {}));
  EXPECT_TRUE(fs::exists(data / "new"));
  EXPECT_TRUE(fs::exists(data / "old"));
  EXPECT_FALSE(fs::exists(changes));
}

// A crash of the machine may tear what no barrier has covered.
TEST_F(WholeCachesTest, WhatHoldingMergedIsNotTrustedYet) {
  ASSERT_TRUE(*adopt(contents("old", "x"), ExistingCache::Keep));
  ASSERT_TRUE(store_->barrier());
  EXPECT_TRUE(is_trusted());
  const int64_t number = list_cache_mounts(*store_)->at(0).number;
  fs::create_directories(store_->layout().cache_mount(number) / "changes");
  ASSERT_TRUE(*hold_cache_mount(*store_, number, std::chrono::milliseconds(0), {}));
  EXPECT_FALSE(is_trusted());
}

}  // namespace
}  // namespace slipway::store
