#include "base/result.h"

#include <memory>

#include <gtest/gtest.h>

namespace slipway {
namespace {

Result<int> half(int value) {
  if (value % 2 != 0) return make_error(ErrorCode::InvalidInput, "{} is odd", value);
  return value / 2;
}

Result<int> quarter(int value) {
  const int once = TRY(half(value));
  return TRY(half(once).context("second half"));
}

TEST(Result, TryReturnsTheFirstError) {
  EXPECT_EQ(*quarter(12), 3);
  EXPECT_EQ(quarter(6).error().message(), "second half: 3 is odd");
  EXPECT_EQ(quarter(5).error().message(), "5 is odd");
}

TEST(Result, TryMovesOwners) {
  const auto make = []() -> Result<std::unique_ptr<int>> { return std::make_unique<int>(7); };
  const auto use = [&]() -> Result<int> { return *TRY(make()); };
  EXPECT_EQ(*use(), 7);
}

TEST(Error, OfASystemCallSaysWhatAndWhy) {
  const Error error = Error::from_errno(ENOENT, "open /x");
  EXPECT_EQ(error.code(), ErrorCode::NotFound);
  EXPECT_EQ(error.message(), "open /x: No such file or directory");
}

}  // namespace
}  // namespace slipway
