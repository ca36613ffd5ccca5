#include "exporter/cache_selection.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file_io.h"
#include "base/temp_dir.h"

namespace slipway::exporter {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

class CacheSelectionTest : public testing::Test {
 protected:
  void put(const std::string& name, size_t bytes, time_t used) {
    const fs::path path = directory_.path() / name;
    fs::create_directories(path.parent_path());
    ASSERT_TRUE(write_file_atomic(path, std::string(bytes, 'x')));
    const timespec times[2] = {{used, 0}, {0, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  }
  CacheSelection select(uint64_t max_bytes) {
    return *select_recent(directory_.path(), max_bytes, {});
  }

  TempDir directory_ = *TempDir::create("/var/tmp", "slipway-selection-");
};

TEST_F(CacheSelectionTest, NothingIsLeftOutWhereAllFits) {
  put("archives/a.deb", 100, 1);
  put("lock", 0, 1);
  const CacheSelection all = select(100);
  EXPECT_THAT(all.left_out, IsEmpty());
  EXPECT_EQ(all.bytes, 100u);
  EXPECT_EQ(all.files, 2u);
}

TEST_F(CacheSelectionTest, WhatWasUsedLongestAgoGoesFirst) {
  put("archives/old.deb", 100, 1'000);
  put("archives/newer.deb", 100, 2'000);
  put("archives/newest.deb", 100, 3'000);
  const CacheSelection some = select(250);
  EXPECT_THAT(some.left_out, ElementsAre("archives/old.deb"));
  EXPECT_EQ(some.bytes, 200u);
  EXPECT_EQ(some.left_out_bytes, 100u);
}

TEST_F(CacheSelectionTest, AnUnpackedWheelIsNeverSplit) {
  put("archive-v0/one/package/used.py", 10, 3'000);
  put("archive-v0/one/package/data", 100, 1);
  put("archive-v0/two/package/b.py", 100, 2'000);
  EXPECT_THAT(select(150).left_out, ElementsAre("archive-v0/two"));
}

TEST_F(CacheSelectionTest, WhatIsTooBigMakesRoomForTheRest) {
  put("a/huge", 1'000, 3'000);
  put("a/small", 10, 1'000);
  EXPECT_THAT(select(100).left_out, ElementsAre("a/huge"));
}

TEST_F(CacheSelectionTest, HardLinksCountOnce) {
  put("a/file", 100, 1'000);
  fs::create_hard_link(directory_.path() / "a/file", directory_.path() / "a/link");
  EXPECT_EQ(select(100).bytes, 100u);
  EXPECT_THAT(select(100).left_out, IsEmpty());
}

}  // namespace
}  // namespace slipway::exporter
