#include "store/cache_mounts.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include <gtest/gtest.h>

#include "base/temp_dir.h"
#include "store/store.h"

namespace slipway::store {
namespace {

namespace fs = std::filesystem;

class CacheMountsTest : public testing::Test {
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

  TempDir directory_ = *TempDir::create("/var/tmp", "slipway-mounts-");
  std::unique_ptr<Store> store_ = *Store::open({directory_.path(), false, {}});
  // Another process's view of the same store.
  std::unique_ptr<Store> other_ = *Store::open({directory_.path(), false, {}});
  std::stop_source stop_;
};

TEST_F(CacheMountsTest, WhatAStepLeavesTheNextOneFinds) {
  {
    const auto lease = *store_->cache_mounts().acquire(spec(CacheMountSharing::Shared), {});
    std::ofstream(lease.path() / "wheel") << "x";
  }
  const auto lease = *other_->cache_mounts().acquire(spec(CacheMountSharing::Locked), {});
  EXPECT_TRUE(fs::exists(lease.path() / "wheel"));
}

TEST_F(CacheMountsTest, SharedStepsUseOneDirectoryAtOnce) {
  const auto first = *store_->cache_mounts().acquire(spec(CacheMountSharing::Shared), {});
  const auto second = *other_->cache_mounts().acquire(spec(CacheMountSharing::Shared), {});
  EXPECT_EQ(first.path(), second.path());
}

TEST_F(CacheMountsTest, ALockedStepWaitsForTheOther) {
  std::optional<CacheMountLease> first(
      *store_->cache_mounts().acquire(spec(CacheMountSharing::Locked), {}));
  EXPECT_EQ(
      other_->cache_mounts().acquire(spec(CacheMountSharing::Locked), stopped()).error().code(),
      ErrorCode::Cancelled);
  const fs::path path = first->path();
  std::jthread waiter([&] {
    EXPECT_EQ(other_->cache_mounts().acquire(spec(CacheMountSharing::Locked), {})->path(), path);
  });
  first.reset();
}

TEST_F(CacheMountsTest, APrivateStepGetsAFreeDirectoryOrANewOne) {
  std::optional<CacheMountLease> first(
      *store_->cache_mounts().acquire(spec(CacheMountSharing::Private), {}));
  const auto second = *other_->cache_mounts().acquire(spec(CacheMountSharing::Private), {});
  EXPECT_NE(first->path(), second.path());
  const fs::path freed = first->path();
  first.reset();
  EXPECT_EQ(other_->cache_mounts().acquire(spec(CacheMountSharing::Private), {})->path(), freed);
}

TEST_F(CacheMountsTest, AnotherBaseIsAnotherCache) {
  const auto plain = *store_->cache_mounts().acquire(spec(CacheMountSharing::Shared), {});
  CacheMountSpec based = spec(CacheMountSharing::Shared, "sha256:base");
  int populated = 0;
  based.populate = [&](const fs::path& path) -> Status {
    ++populated;
    std::ofstream(path / "from-base") << "x";
    return {};
  };
  const auto first = *store_->cache_mounts().acquire(based, {});
  const auto second = *store_->cache_mounts().acquire(based, {});
  EXPECT_NE(plain.path(), first.path());
  EXPECT_TRUE(fs::exists(second.path() / "from-base"));
  EXPECT_EQ(populated, 1);
}

TEST_F(CacheMountsTest, ANewDirectoryHasTheAskedAttributes) {
  if (::geteuid() != 0) GTEST_SKIP() << "changing owners needs root";
  CacheMountSpec owned = spec(CacheMountSharing::Shared);
  owned.uid = 7;
  owned.gid = 8;
  owned.mode = 01770;
  const auto lease = *store_->cache_mounts().acquire(owned, {});
  struct stat info;
  ASSERT_EQ(::stat(lease.path().c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, 7);
  EXPECT_EQ(info.st_gid, 8);
  EXPECT_EQ(info.st_mode & 07777, 01770);
}

TEST_F(CacheMountsTest, AFailedFillLeavesNothingHalf) {
  CacheMountSpec based = spec(CacheMountSharing::Shared, "sha256:base");
  based.populate = [](const fs::path& path) -> Status {
    std::ofstream(path / "half") << "x";
    return make_error(ErrorCode::ResourceExhausted, "disk full");
  };
  EXPECT_FALSE(store_->cache_mounts().acquire(based, {}));
  based.populate = [](const fs::path&) -> Status { return {}; };
  const auto lease = *store_->cache_mounts().acquire(based, {});
  EXPECT_TRUE(fs::is_empty(lease.path()));
}

CacheMountSpec linkable(CacheMountSpec spec) {
  spec.linkable = true;
  spec.destination_length = 15;
  return spec;
}

TEST_F(CacheMountsTest, WhatStepsLinkFromIsNeverUsedInPlaceAgain) {
  {
    auto lease = *store_->cache_mounts().acquire(linkable(spec(CacheMountSharing::Shared)), {});
    EXPECT_EQ(lease.use(), CacheMountUse::Below);
    EXPECT_TRUE(lease.may_be_joined());
    ASSERT_TRUE(lease.expect_links());
  }
  auto other = *other_->cache_mounts().acquire(spec(CacheMountSharing::Shared), {});
  EXPECT_EQ(other.use(), CacheMountUse::Below);
  EXPECT_FALSE(other.linkable());
  EXPECT_FALSE(*store_->cache_mounts().try_acquire(linkable(spec(CacheMountSharing::Shared))));
}

TEST_F(CacheMountsTest, WhatNobodyLinksFromIsUsedInPlaceAndTogether) {
  for (int i = 0; i < 3; ++i) {
    auto lease = *store_->cache_mounts().acquire(linkable(spec(CacheMountSharing::Shared)), {});
    EXPECT_EQ(lease.use(), CacheMountUse::Below);
    ASSERT_TRUE(lease.note({}));
  }
  const auto a = *store_->cache_mounts().acquire(linkable(spec(CacheMountSharing::Shared)), {});
  const auto b = *other_->cache_mounts().acquire(linkable(spec(CacheMountSharing::Shared)), {});
  EXPECT_EQ(a.use(), CacheMountUse::InPlace);
  EXPECT_EQ(b.use(), CacheMountUse::InPlace);
}

TEST_F(CacheMountsTest, WhatOverlayfsWouldTakeForItsOwnIsUsedInPlace) {
  if (::geteuid() != 0) GTEST_SKIP() << "devices need root";
  {
    const auto lease = *store_->cache_mounts().acquire(spec(CacheMountSharing::Shared), {});
    ASSERT_EQ(::mknod((lease.path() / "whiteout").c_str(), S_IFCHR, 0), 0);
  }
  const auto lease = *store_->cache_mounts().acquire(linkable(spec(CacheMountSharing::Shared)), {});
  EXPECT_EQ(lease.use(), CacheMountUse::InPlace);
}

TEST_F(CacheMountsTest, FilesWithTwoNamesInTheCacheStayOneFile) {
  {
    const auto lease = *store_->cache_mounts().acquire(spec(CacheMountSharing::Shared), {});
    std::ofstream(lease.path() / "a") << "x";
    fs::create_hard_link(lease.path() / "a", lease.path() / "b");
  }
  const auto lease = *store_->cache_mounts().acquire(linkable(spec(CacheMountSharing::Shared)), {});
  EXPECT_EQ(lease.use(), CacheMountUse::InPlace);
}

TEST_F(CacheMountsTest, NamesTooLongToReferToAreNotLinked) {
  const std::string deep = std::string(120, 'd') + "/" + std::string(120, 'f');
  {
    const auto lease = *store_->cache_mounts().acquire(spec(CacheMountSharing::Shared), {});
    fs::create_directories(lease.path() / deep);
  }
  const auto lease = *store_->cache_mounts().acquire(linkable(spec(CacheMountSharing::Shared)), {});
  EXPECT_EQ(lease.use(), CacheMountUse::InPlace);
}

TEST_F(CacheMountsTest, ChangesOfAKilledStepAreCompleted) {
  fs::path cache;
  {
    const auto lease = *store_->cache_mounts().acquire(spec(CacheMountSharing::Shared), {});
    cache = lease.path();
    std::ofstream(cache / "old") << "old";
  }
  fs::create_directories(cache.parent_path() / "changes");
  std::ofstream(cache.parent_path() / "changes/new") << "new";
  const auto lease = *other_->cache_mounts().acquire(spec(CacheMountSharing::Shared), {});
  EXPECT_TRUE(fs::exists(lease.path() / "old"));
  EXPECT_TRUE(fs::exists(lease.path() / "new"));
  EXPECT_FALSE(fs::exists(cache.parent_path() / "changes"));
}

TEST_F(CacheMountsTest, AKillWhileTheWholeCacheIsReplacedLosesNothing) {
  fs::path cache;
  {
    const auto lease = *store_->cache_mounts().acquire(spec(CacheMountSharing::Shared), {});
    cache = lease.path();
  }
  std::ofstream(cache / "new") << "new";
  fs::rename(cache, cache.parent_path() / "changes");
  const auto lease = *other_->cache_mounts().acquire(spec(CacheMountSharing::Locked), {});
  EXPECT_TRUE(fs::exists(lease.path() / "new"));
}

}  // namespace
}  // namespace slipway::store
