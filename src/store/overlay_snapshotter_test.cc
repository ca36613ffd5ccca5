#include "store/overlay_snapshotter.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include <gtest/gtest.h>

#include "base/file_io.h"
#include "base/temp_dir.h"
#include "store/overlay_mount.h"
#include "store/store.h"

namespace slipway::store {
namespace {

namespace fs = std::filesystem;

void write(const fs::path& path, std::string_view text) {
  std::ofstream(path) << text;
}

class OverlaySnapshotterTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "mounting needs root";
    mount_point_ = directory_.path() / "mnt";
    fs::create_directory(mount_point_);
  }

  // A committed snapshot with one file more than its parent.
  SnapshotId layer(SnapshotId parent, const std::string& name, std::string_view text) {
    const auto active = *snapshotter().prepare(parent);
    write(active->layers().upper / name, text);
    return *active->commit();
  }
  OverlaySnapshotter& snapshotter() { return store_->snapshotter(); }

  TempDir directory_ = *TempDir::create("/var/tmp", "slipway-snapshots-");
  std::unique_ptr<Store> store_ = *Store::open({directory_.path() / "store", false, {}});
  fs::path mount_point_;
};

TEST_F(OverlaySnapshotterTest, AStackShowsAllItsLayers) {
  const SnapshotId base = layer({}, "a", "1");
  const SnapshotId top = layer(base, "b", "2");
  const Mount mount = *snapshotter().mount(*snapshotter().view(top), mount_point_);
  EXPECT_EQ(*read_file(mount_point_ / "a"), "1");
  EXPECT_EQ(*read_file(mount_point_ / "b"), "2");
  EXPECT_NE(::mkdir((mount_point_ / "c").c_str(), 0755), 0);
  EXPECT_EQ(errno, EROFS);
}

// Whoever has a private umask builds images for others all the same.
TEST_F(OverlaySnapshotterTest, TheUmaskDoesNotShowInTheRoot) {
  const mode_t before = ::umask(077);
  const auto first = *snapshotter().prepare({});
  const fs::path upper = first->layers().upper;
  const auto second = *snapshotter().prepare(*first->commit());
  ::umask(before);
  EXPECT_EQ(fs::status(upper).permissions(), fs::perms(0755));
  EXPECT_EQ(fs::status(second->layers().upper).permissions(), fs::perms(0755));
}

TEST_F(OverlaySnapshotterTest, WritesOfAMountedTopStayInItsOwnLayer) {
  const SnapshotId base = layer({}, "gone", "1");
  SnapshotId id;
  {
    const auto active = *snapshotter().prepare(base);
    Mount mount = *snapshotter().mount(active->layers(), mount_point_);
    fs::remove(mount_point_ / "gone");
    write(mount_point_ / "new", "2");
    ASSERT_TRUE(mount.unmount());
    // Mounting the same directories again works, although the mount was volatile.
    Mount again = *snapshotter().mount(active->layers(), mount_point_);
    EXPECT_EQ(*read_file(mount_point_ / "new"), "2");
    ASSERT_TRUE(again.unmount());
    id = *active->commit();
  }
  const SnapshotInfo info = *snapshotter().info(id);
  struct stat whiteout;
  ASSERT_EQ(::lstat((info.directory / "gone").c_str(), &whiteout), 0);
  EXPECT_TRUE(S_ISCHR(whiteout.st_mode) && whiteout.st_rdev == 0);
  EXPECT_EQ(*read_file(snapshotter().info(base)->directory / "gone"), "1");
  ASSERT_TRUE(store_->barrier());
  EXPECT_FALSE(fs::exists(info.directory.parent_path() / "work"));
}

TEST_F(OverlaySnapshotterTest, AWhiteoutOfASingleLayerIsNotVisible) {
  const auto active = *snapshotter().prepare({});
  ASSERT_EQ(::mknod((active->layers().upper / "gone").c_str(), S_IFCHR, 0), 0);
  const SnapshotId id = *active->commit();
  const Mount mount = *snapshotter().mount(*snapshotter().view(id), mount_point_);
  EXPECT_FALSE(fs::exists(fs::symlink_status(mount_point_ / "gone")));
}

TEST_F(OverlaySnapshotterTest, ScratchIsEmptyAndATopOnItIsWritable) {
  {
    const Mount mount = *snapshotter().mount(*snapshotter().view({}), mount_point_);
    EXPECT_TRUE(fs::is_empty(mount_point_));
  }
  const auto active = *snapshotter().prepare({});
  const Mount mount = *snapshotter().mount(active->layers(), mount_point_);
  write(mount_point_ / "f", "x");
  EXPECT_EQ(*read_file(active->layers().upper / "f"), "x");
}

TEST_F(OverlaySnapshotterTest, FourHundredLayersMount) {
  SnapshotId id;
  for (int i = 0; i < 400; ++i) id = layer(id, "f" + std::to_string(i), "x");
  const auto active = *snapshotter().prepare(id);
  const Mount mount = *snapshotter().mount(active->layers(), mount_point_);
  EXPECT_EQ(*read_file(mount_point_ / "f0"), "x");
  EXPECT_EQ(*read_file(mount_point_ / "f399"), "x");
}

TEST_F(OverlaySnapshotterTest, OlderKernelsGetOneOptionString) {
  const SnapshotId top = layer(layer({}, "a", "1"), "b", "2");
  const auto active = *snapshotter().prepare(top);
  OverlayMountOptions options;
  options.base = store_->layout().snapshots();
  options.empty_layer = store_->layout().empty_layer();
  options.classic_only = true;
  const fs::path here = fs::current_path();
  const Mount mount = *mount_overlay(active->layers(), mount_point_, options);
  EXPECT_EQ(*read_file(mount_point_ / "a"), "1");
  write(mount_point_ / "c", "3");
  EXPECT_EQ(*read_file(active->layers().upper / "c"), "3");
  EXPECT_EQ(fs::current_path(), here);
}

TEST_F(OverlaySnapshotterTest, AnAbandonedTopLeavesNothing) {
  fs::path upper;
  {
    const auto active = *snapshotter().prepare({});
    upper = active->layers().upper;
    write(upper / "f", "x");
  }
  EXPECT_FALSE(fs::exists(upper.parent_path()));
}

TEST_F(OverlaySnapshotterTest, LayersFilledApartAreStackedAtCommit) {
  const auto lower = *snapshotter().prepare({});
  const auto upper = *snapshotter().prepare({});
  write(lower->layers().upper / "a", "1");
  write(upper->layers().upper / "b", "2");
  const SnapshotId base = *lower->commit();
  const SnapshotId top = *upper->commit_onto(base);
  const std::vector<SnapshotInfo> chain = *snapshotter().chain(top);
  ASSERT_EQ(chain.size(), 2);
  EXPECT_EQ(chain[0].id, top);
  EXPECT_EQ(chain[1].id, base);
}

TEST_F(OverlaySnapshotterTest, RootAttributesAreHandedOn) {
  const auto base = *snapshotter().prepare({});
  ASSERT_EQ(::chmod(base->layers().upper.c_str(), 0750), 0);
  ASSERT_EQ(::chown(base->layers().upper.c_str(), 5, 6), 0);
  const auto top = *snapshotter().prepare(*base->commit());
  struct stat info;
  ASSERT_EQ(::stat(top->layers().upper.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0750);
  EXPECT_EQ(info.st_uid, 5);
  EXPECT_EQ(info.st_gid, 6);
}

TEST_F(OverlaySnapshotterTest, UsageCountsAHardLinkOnce) {
  const auto active = *snapshotter().prepare({});
  write(active->layers().upper / "big", std::string(1 << 20, 'x'));
  fs::create_hard_link(active->layers().upper / "big", active->layers().upper / "again");
  const SnapshotInfo info = *snapshotter().info(*active->commit());
  EXPECT_GE(info.bytes, 1 << 20);
  EXPECT_LT(info.bytes, (1 << 20) + 65536);
  EXPECT_EQ(info.inodes, 2);
}

TEST_F(OverlaySnapshotterTest, PinningWhatIsNotThereFails) {
  EXPECT_EQ(snapshotter().pin({4711}).error().code(), ErrorCode::NotFound);
  const SnapshotId id = layer({}, "a", "1");
  EXPECT_TRUE(snapshotter().pin(id));
  fs::remove_all(snapshotter().directory(id).parent_path());
  EXPECT_EQ(snapshotter().pin(id).error().code(), ErrorCode::NotFound);
}

}  // namespace
}  // namespace slipway::store
