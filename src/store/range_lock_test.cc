#include "store/range_lock.h"

#include <thread>

#include <gtest/gtest.h>

#include "base/temp_dir.h"

namespace slipway::store {
namespace {

class RangeLockTest : public testing::Test {
 protected:
  TempDir directory_ = *TempDir::create("/var/tmp", "slipway-lock-");
  std::filesystem::path file_ = directory_.path() / "locks";
};

TEST_F(RangeLockTest, ExcludesOnlyTheSameByte) {
  const RangeLock first = *RangeLock::acquire(file_, 5, RangeLock::Mode::Exclusive);
  EXPECT_FALSE(RangeLock::try_acquire(file_, 5, RangeLock::Mode::Shared)->has_value());
  EXPECT_TRUE(RangeLock::try_acquire(file_, 6, RangeLock::Mode::Exclusive)->has_value());
}

TEST_F(RangeLockTest, WaitsForTheHolderAndCanBeCancelled) {
  std::optional<RangeLock> holder = *RangeLock::acquire(file_, 5, RangeLock::Mode::Exclusive);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(
      RangeLock::acquire(file_, 5, RangeLock::Mode::Exclusive, stop.get_token()).error().code(),
      ErrorCode::Cancelled);
  std::jthread waiter(
      [&] { EXPECT_TRUE(RangeLock::acquire(file_, 5, RangeLock::Mode::Exclusive).has_value()); });
  holder.reset();
}

TEST_F(RangeLockTest, APinHoldsUntilItsLastUnpin) {
  const auto ours = *PinSet::open(file_);
  const auto theirs = *PinSet::open(file_);
  ASSERT_TRUE(*ours->try_pin(9));
  ASSERT_TRUE(*ours->try_pin(9));
  ours->unpin(9);
  EXPECT_FALSE(theirs->try_claim(9)->has_value());
  EXPECT_FALSE(ours->try_claim(9)->has_value());
  ours->unpin(9);
  const std::optional<RangeLock> claim = *theirs->try_claim(9);
  ASSERT_TRUE(claim);
  EXPECT_FALSE(*ours->try_pin(9));
}

TEST_F(RangeLockTest, AskingDisturbsNobody) {
  const auto pins = *PinSet::open(file_);
  EXPECT_FALSE(*pins->is_pinned(9));
  ASSERT_TRUE(*pins->try_pin(9));
  EXPECT_TRUE(*pins->is_pinned(9));
}

TEST(LockByteTest, IsStableAndFitsAFileOffset) {
  EXPECT_EQ(lock_byte("a"), lock_byte("a"));
  EXPECT_NE(lock_byte("a"), lock_byte("b"));
  EXPECT_GE(lock_byte("a"), 0);
}

}  // namespace
}  // namespace slipway::store
