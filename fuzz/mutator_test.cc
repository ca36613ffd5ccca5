#include "mutator.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

namespace slipway::fuzz {
namespace {

TEST(Mutator, GivesTheSameInputForTheSameNumber) {
  const Mutator one({"FROM a\nRUN b\n", "x"}, {"COPY "});
  const Mutator other({"FROM a\nRUN b\n", "x"}, {"COPY "});
  std::set<std::string> inputs;
  for (uint64_t number = 0; number < 1000; ++number) {
    EXPECT_EQ(one.input(number), other.input(number)) << number;
    inputs.insert(one.input(number));
  }
  EXPECT_GT(inputs.size(), 700u);
}

TEST(Mutator, TakesWordsBytesAndPartsOfOtherSeeds) {
  const Mutator mutator({"a=1\nb=2\n", "other\n"}, {"WORD"});
  std::string all;
  for (uint64_t number = 0; number < 2000; ++number) all += mutator.input(number);
  for (const char* part : {"WORD", "a=1\nother\n", "9223372036854775807", "{", "\xff"}) {
    EXPECT_TRUE(all.contains(part)) << part;
  }
  EXPECT_TRUE(all.contains('\0'));
}

TEST(Mutator, TakesEmptySeeds) {
  const Mutator mutator({""}, {});
  size_t longest = 0;
  for (uint64_t number = 0; number < 2000; ++number) {
    longest = std::max(longest, mutator.input(number).size());
  }
  EXPECT_GT(longest, 0u);
}

}  // namespace
}  // namespace slipway::fuzz
