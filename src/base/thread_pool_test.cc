#include "base/thread_pool.h"

#include <atomic>

#include <gtest/gtest.h>

namespace slipway {
namespace {

TEST(ThreadPool, FinishesAllWorkBeforeItGoes) {
  std::atomic<int> ran = 0;
  {
    ThreadPool pool(3);
    for (int i = 0; i < 100; ++i) pool.submit([&] { ++ran; });
  }
  EXPECT_EQ(ran, 100);
}

TEST(ThreadPool, ParallelForCallsEachIndexOnce) {
  ThreadPool pool(2);
  std::vector<std::atomic<int>> calls(1000);
  pool.parallel_for(calls.size(), [&](size_t i) { ++calls[i]; });
  for (const auto& count : calls) EXPECT_EQ(count, 1);
}

// A pool whose only thread is inside a parallel_for must not wait for itself.
TEST(ThreadPool, ParallelForNestsInsideThePoolsOwnWork) {
  std::atomic<int> calls = 0;
  {
    ThreadPool pool(1);
    pool.submit([&] { pool.parallel_for(10, [&](size_t) { ++calls; }); });
  }
  EXPECT_EQ(calls, 10);
}

}  // namespace
}  // namespace slipway
