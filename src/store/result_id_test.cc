#include "store/result_id.h"

#include <gtest/gtest.h>

namespace slipway::store {
namespace {

TEST(ResultIdTest, NamesASnapshotAndComesBack) {
  EXPECT_EQ(to_result_id({17}), "snapshot:17");
  EXPECT_EQ(snapshot_of_result("snapshot:17"), SnapshotId{17});
  EXPECT_EQ(to_result_id({}), "");
  EXPECT_EQ(snapshot_of_result(""), SnapshotId{});
}

TEST(ResultIdTest, OtherNamesAreNoSnapshots) {
  for (const char* text :
       {"local:context", "snapshot:", "snapshot:x", "snapshot:1x", "snapshot:-1"}) {
    EXPECT_FALSE(snapshot_of_result(text)) << text;
  }
}

}  // namespace
}  // namespace slipway::store
