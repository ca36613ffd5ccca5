#include "store/store.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include <gtest/gtest.h>

#include "base/temp_dir.h"

namespace slipway::store {
namespace {

namespace fs = std::filesystem;

class StoreTest : public testing::Test {
 protected:
  std::unique_ptr<Store> open() {
    return *Store::open({root_, false, [this](const std::string& m) { damage_.push_back(m); }});
  }
  // As if the machine had been switched off and on: what is unsafe belongs to an earlier run.
  void reboot(Store& store) {
    auto database = store.core()->database().lock();
    for (const char* sql : {"UPDATE snapshots SET unsafe_boot = 'before' WHERE unsafe_boot NOTNULL",
                            "UPDATE blobs SET unsafe_boot = 'before' WHERE unsafe_boot NOTNULL",
                            "UPDATE meta SET value = 'before' WHERE name = 'boot_id'"}) {
      ASSERT_TRUE(database->execute(sql));
    }
  }
  SnapshotId snapshot(Store& store, SnapshotId parent = {}) {
    return *(*store.snapshotter().prepare(parent))->commit();
  }

  TempDir directory_ = *TempDir::create("/var/tmp", "slipway-store-");
  fs::path root_ = directory_.path() / "a" / "store";
  std::vector<std::string> damage_;
};

TEST_F(StoreTest, IsPrivateToItsOwner) {
  open();
  struct stat info;
  ASSERT_EQ(::stat(root_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0700);
}

TEST_F(StoreTest, KeepsEverythingAcrossOpens) {
  SnapshotId id;
  Digest digest;
  {
    const auto store = open();
    id = snapshot(*store);
    digest = *store->content().put("blob");
  }
  const auto store = open();
  EXPECT_TRUE(store->snapshotter().pin(id));
  EXPECT_EQ(*store->content().read(digest), "blob");
}

TEST_F(StoreTest, AfterTheMachineDiedOnlyWhatABarrierCoveredIsLeft) {
  SnapshotId safe, unsafe, child_of_unsafe;
  Digest safe_blob, unsafe_blob;
  {
    const auto store = open();
    safe = snapshot(*store);
    safe_blob = *store->content().put("safe");
    ASSERT_TRUE(store->barrier());
    unsafe = snapshot(*store, safe);
    child_of_unsafe = snapshot(*store, unsafe);
    unsafe_blob = *store->content().put("unsafe");
    fs::create_directories(root_ / "snapshots" / "999999" / "fs");
    reboot(*store);
  }
  const auto store = open();
  EXPECT_TRUE(store->snapshotter().pin(safe));
  EXPECT_FALSE(store->snapshotter().pin(unsafe));
  EXPECT_FALSE(store->snapshotter().pin(child_of_unsafe));
  EXPECT_EQ(*store->content().size(safe_blob), 4);
  EXPECT_EQ(*store->content().size(unsafe_blob), std::nullopt);
  EXPECT_FALSE(fs::exists(store->snapshotter().directory(unsafe)));
  EXPECT_FALSE(fs::exists(root_ / "snapshots" / "999999"));
}

TEST_F(StoreTest, LeftoversOfADeadProcessGoAtTheNextOpen) {
  {
    const auto store = open();
    auto database = store->core()->database().lock();
    ASSERT_TRUE(database->execute(
        "INSERT INTO snapshots(id, parent, committed, created, last_used) VALUES(77, 0, 0, 0, 0)"));
    fs::create_directories(root_ / "snapshots" / "77" / "fs");
    fs::create_directories(root_ / "tmp" / "p-dead");
  }
  const auto store = open();
  EXPECT_FALSE(fs::exists(root_ / "snapshots" / "77"));
  EXPECT_FALSE(fs::exists(root_ / "tmp" / "p-dead"));
}

TEST_F(StoreTest, WorkOfALivingProcessSurvivesAnOpen) {
  const auto store = open();
  const auto active = *store->snapshotter().prepare({});
  const auto writer = *store->content().writer();
  ASSERT_TRUE(writer->write("half"));
  open();
  EXPECT_TRUE(fs::exists(active->layers().upper));
  EXPECT_TRUE(active->commit());
  EXPECT_TRUE(writer->commit());
}

TEST_F(StoreTest, ADamagedDatabaseIsSetAside) {
  {
    open();
  }
  for (const char* name : {"metadata.db-wal", "metadata.db-shm"}) fs::remove(root_ / name);
  std::ofstream(root_ / "metadata.db") << std::string(8192, 'x');
  const auto store = open();
  EXPECT_EQ(damage_.size(), 1);
  EXPECT_TRUE(store->content().put("works"));
}

TEST_F(StoreTest, AClaimIsExclusive) {
  const auto store = open();
  const auto other = open();
  const RangeLock held = *store->claim("work", {});
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(other->claim("work", stop.get_token()).error().code(), ErrorCode::Cancelled);
  EXPECT_TRUE(other->claim("other work", stop.get_token()));
}

}  // namespace
}  // namespace slipway::store
