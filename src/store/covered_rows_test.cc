#include "store/covered_rows.h"

#include <gtest/gtest.h>

#include "base/temp_dir.h"
#include "store/store.h"

namespace slipway::store {
namespace {

class CoveredRowsTest : public testing::Test {
 protected:
  int64_t unsafe_blobs() {
    auto database = store_->core()->database().lock();
    Rows rows = *database->query("SELECT count(*) FROM blobs WHERE unsafe_boot NOTNULL");
    EXPECT_TRUE(*rows.next());
    return rows.integer(0);
  }
  CoveredRows note() { return *CoveredRows::note(*store_->core(), store_->cache_mounts()); }

  TempDir directory_ = *TempDir::create("/var/tmp", "slipway-covered-rows-");
  std::unique_ptr<Store> store_ = *Store::open({directory_.path() / "store", false, {}});
};

TEST_F(CoveredRowsTest, WhatWasNotedBecomesSafe) {
  ASSERT_TRUE(store_->content().put("before"));
  const CoveredRows covered = note();
  ASSERT_TRUE(store_->content().put("while the disk was busy"));
  ASSERT_TRUE(covered.trust(*store_->core()));
  EXPECT_EQ(unsafe_blobs(), 1);
}

// SQLite gives the highest number again.
TEST_F(CoveredRowsTest, ABlobThatGetsTheNumberOfARemovedOneDoesNot) {
  const Digest removed = *store_->content().put("removed");
  const CoveredRows covered = note();
  ASSERT_TRUE(store_->content().remove(removed));
  ASSERT_TRUE(store_->content().put("written while the disk was busy"));
  ASSERT_TRUE(covered.trust(*store_->core()));
  EXPECT_EQ(unsafe_blobs(), 1);
}

TEST_F(CoveredRowsTest, ABlobThatIsWrittenAgainDoesNot) {
  const Digest digest = *store_->content().put("blob");
  const CoveredRows covered = note();
  ASSERT_TRUE(std::filesystem::remove(store_->content().path_of(digest)));
  ASSERT_TRUE(store_->content().put("blob"));
  ASSERT_TRUE(covered.trust(*store_->core()));
  EXPECT_EQ(unsafe_blobs(), 1);
}

}  // namespace
}  // namespace slipway::store
