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
                            "UPDATE cache_mounts SET unsafe_boot = 'before' "
                            "WHERE unsafe_boot NOTNULL",
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

TEST_F(StoreTest, ABarrierThatWasLeftToOthersIsMadeByTheNextOne) {
  const fs::path note = root_ / "locks" / "unsynced";
  SnapshotId id;
  {
    const auto store = open();
    ASSERT_TRUE(store->leave_barrier());
    EXPECT_FALSE(fs::exists(note)) << "nothing was written";
    id = snapshot(*store);
    ASSERT_TRUE(store->leave_barrier());
    EXPECT_TRUE(fs::exists(note));
  }
  {
    const auto store = open();
    ASSERT_TRUE(store->barrier());
    EXPECT_FALSE(fs::exists(note));
    reboot(*store);
  }
  EXPECT_TRUE(open()->snapshotter().pin(id));
}

TEST_F(StoreTest, ABarrierThatWasLeftAndNeverMadeCoversNothing) {
  SnapshotId id;
  {
    const auto store = open();
    id = snapshot(*store);
    ASSERT_TRUE(store->leave_barrier());
    reboot(*store);
  }
  EXPECT_FALSE(open()->snapshotter().pin(id));
}

// The kernel gives up pages that it cannot write: what is read of them later is something else.
TEST_F(StoreTest, WhatTheDiskDidNotTakeIsDroppedByTheNextOpen) {
  SnapshotId safe, unsafe;
  Digest blob;
  {
    const auto store = open();
    safe = snapshot(*store);
    ASSERT_TRUE(store->barrier());
    unsafe = snapshot(*store);
    blob = *store->content().put("blob");
    ASSERT_TRUE(store->distrust());
  }
  const auto store = open();
  EXPECT_TRUE(store->snapshotter().pin(safe));
  EXPECT_FALSE(store->snapshotter().pin(unsafe));
  EXPECT_EQ(*store->content().size(blob), std::nullopt);
}

// A prune whose deletions in the database were lost with the machine, those of files not.
TEST_F(StoreTest, AfterTheMachineDiedWhatHasLostItsFilesIsGone) {
  const Digest chain = Digest::sha256_of("chain");
  SnapshotId kept, lost;
  {
    const auto store = open();
    kept = snapshot(*store);
    lost = snapshot(*store);
    ASSERT_TRUE(store->layers().add_chain(chain, lost));
    const Digest blob = *store->content().put("blob");
    ASSERT_TRUE(store->images().tag("a:1", {"type", blob, 4}));
    ASSERT_TRUE(store->cache_mounts().acquire({.id = "uv"}, {}));
    ASSERT_TRUE(store->barrier());
    fs::remove_all(root_ / "snapshots" / std::to_string(lost.value));
    fs::remove(store->content().path_of(blob));
    fs::remove_all(store->layout().cache_mount(1));
    reboot(*store);
  }
  const auto store = open();
  EXPECT_TRUE(store->snapshotter().pin(kept));
  EXPECT_FALSE(store->snapshotter().info(lost));
  EXPECT_FALSE(*store->layers().find_chain(chain));
  EXPECT_TRUE(store->images().list()->empty());
  auto database = store->core()->database().lock();
  for (const char* sql : {"SELECT 1 FROM blobs", "SELECT 1 FROM cache_mounts"}) {
    Rows rows = *database->query(sql);
    EXPECT_FALSE(*rows.next()) << sql;
  }
}

// The log of the database is lost with the machine, what a step did to the cache is not.
TEST_F(StoreTest, ACacheThatIsUsedAgainIsUnsafeThoughItsRowDoesNotSaySo) {
  {
    const auto store = open();
    ASSERT_TRUE(store->cache_mounts().acquire({.id = "used"}, {}));
    ASSERT_TRUE(store->cache_mounts().acquire({.id = "unused"}, {}));
    ASSERT_TRUE(store->barrier());
    ASSERT_TRUE(store->cache_mounts().acquire({.id = "used"}, {}));
    ASSERT_TRUE(
        store->core()->database().lock()->execute("UPDATE cache_mounts SET unsafe_boot = NULL"));
    reboot(*store);
  }
  const auto store = open();
  auto database = store->core()->database().lock();
  Rows rows = *database->query("SELECT name FROM cache_mounts");
  ASSERT_TRUE(*rows.next());
  EXPECT_EQ(rows.text(0), "unused");
  EXPECT_FALSE(*rows.next());
}

TEST_F(StoreTest, ABlobWrittenAgainHasToBeMadeSafeAgain) {
  Digest digest;
  {
    const auto store = open();
    digest = *store->content().put("blob");
    ASSERT_TRUE(store->barrier());
    fs::remove(store->content().path_of(digest));
    ASSERT_TRUE(store->content().put("blob"));
    reboot(*store);
  }
  EXPECT_EQ(*open()->content().size(digest), std::nullopt);
}

// Of a process that was killed between the two.
TEST_F(StoreTest, ABlobThatHasNoRowGetsOneWhenItIsFound) {
  Digest digest;
  {
    const auto store = open();
    digest = *store->content().put("blob");
    ASSERT_TRUE(store->core()->database().lock()->execute("DELETE FROM blobs"));
    ASSERT_TRUE(store->content().put("blob"));
    ASSERT_TRUE(store->barrier());
    reboot(*store);
  }
  EXPECT_EQ(*open()->content().size(digest), 4);
}

TEST_F(StoreTest, ACacheMountIsUnsafeBeforeItIsFilled) {
  const auto store = open();
  CacheMountSpec spec{.id = "uv"};
  int64_t unsafe = 0;
  spec.populate = [&](const fs::path&) -> Status {
    auto database = store->core()->database().lock();
    Rows rows = TRY(database->query("SELECT 1 FROM cache_mounts WHERE unsafe_boot NOTNULL"));
    while (TRY(rows.next())) ++unsafe;
    return {};
  };
  ASSERT_TRUE(store->cache_mounts().acquire(spec, {}));
  EXPECT_EQ(unsafe, 1);
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

TEST_F(StoreTest, ADatabaseThatCannotBeOpenedIsNotSetAside) {
  {
    open();
  }
  fs::remove(root_ / "metadata.db-wal");
  fs::create_directory(root_ / "metadata.db-wal");
  EXPECT_FALSE(Store::open({root_, false, {}}));
  fs::remove(root_ / "metadata.db-wal");
  open();
  EXPECT_TRUE(damage_.empty());
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
