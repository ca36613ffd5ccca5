#include "store/link_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/temp_dir.h"
#include "store/prune.h"
#include "store/store.h"

namespace slipway::store {
namespace {

using testing::ElementsAre;

class LinkIndexTest : public testing::Test {
 protected:
  void SetUp() override { store_ = *Store::open({temp_->path() / "store", false, {}}); }
  SnapshotId snapshot() { return *(*store_->snapshotter().prepare({}))->commit(); }

  Result<TempDir> temp_ = TempDir::create("/var/tmp", "slipway-links-");
  std::unique_ptr<Store> store_;
};

TEST_F(LinkIndexTest, ALayerIsItsOwnFamilyUntilItHasLinks) {
  const SnapshotId layer = snapshot();
  EXPECT_THAT(*store_->links().families(layer), ElementsAre(layer.value));
  ASSERT_TRUE(store_->links().add_families(layer, {1000, 1001}));
  EXPECT_THAT(*store_->links().families(layer), ElementsAre(1000, 1001));
}

TEST_F(LinkIndexTest, WhatIsPrunedIsForgotten) {
  const SnapshotId layer = snapshot();
  ASSERT_TRUE(store_->links().add_families(layer, {1000}));
  ASSERT_TRUE(prune(*store_, {}, {}));
  EXPECT_TRUE(store_->links().all_families()->empty());
}

}  // namespace
}  // namespace slipway::store
