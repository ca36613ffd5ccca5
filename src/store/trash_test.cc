#include "store/trash.h"

#include <chrono>
#include <fstream>

#include <gtest/gtest.h>

#include "base/temp_dir.h"
#include "store/store.h"

namespace slipway::store {
namespace {

namespace fs = std::filesystem;

class TrashTest : public testing::Test {
 protected:
  void throw_away() {
    const fs::path heap = *store_->scratch_path("heap-");
    fs::create_directories(heap / "directory");
    std::ofstream(heap / "file") << "x";
    ASSERT_TRUE(store_->trash().take(heap));
    EXPECT_FALSE(fs::exists(heap));
  }
  bool is_empty() const {
    const fs::path trash = store_->layout().tmp() / "trash";
    return !fs::exists(trash) || fs::is_empty(trash);
  }

  TempDir directory_ = *TempDir::create("/var/tmp", "slipway-trash-");
  std::unique_ptr<Store> store_ = *Store::open({directory_.path(), false, {}});
};

TEST_F(TrashTest, IsRemovedInTime) {
  throw_away();
  for (int i = 0; i < 500 && !is_empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_TRUE(is_empty());
}

TEST_F(TrashTest, IsRemovedAtOnceOnDemand) {
  throw_away();
  ASSERT_TRUE(store_->trash().empty());
  EXPECT_TRUE(is_empty());
}

TEST_F(TrashTest, WhatCannotBeTakenStaysWhereItIs) {
  std::ofstream(store_->layout().tmp() / "trash") << "in the way";
  const fs::path heap = *store_->scratch_path("heap-");
  fs::create_directories(heap);
  EXPECT_FALSE(store_->trash().take(heap));
  EXPECT_TRUE(fs::exists(heap));
}

// A build beside a prune.
TEST_F(TrashTest, OneProcessThrowsAwayWhileAnotherRemoves) {
  const std::unique_ptr<Store> other = *Store::open({directory_.path(), false, {}});
  std::jthread prune([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) EXPECT_TRUE(other->trash().empty());
  });
  for (int i = 0; i < 300; ++i) throw_away();
  prune.request_stop();
  prune.join();
  ASSERT_TRUE(store_->trash().empty());
  EXPECT_TRUE(is_empty());
}

}  // namespace
}  // namespace slipway::store
