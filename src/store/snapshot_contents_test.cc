#include "store/snapshot_contents.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/file_io.h"
#include "base/temp_dir.h"

namespace slipway::store {
namespace {

RawDigest digest(uint8_t byte) {
  RawDigest digest{};
  digest.fill(byte);
  return digest;
}

class SnapshotContentsTest : public testing::Test {
 protected:
  SnapshotContentsTest() { std::filesystem::create_directory(layer()); }
  std::filesystem::path layer() const { return directory_.path() / "fs"; }
  TempDir directory_ = *TempDir::create("/var/tmp", "contents-");
};

TEST_F(SnapshotContentsTest, FindsWhatWasWritten) {
  ASSERT_TRUE(SnapshotContents::write(layer(), {{7, digest(1)}, {3, digest(2)}}));
  const SnapshotContents contents = SnapshotContents::load(layer());
  EXPECT_EQ(contents.find(3), digest(2));
  EXPECT_EQ(contents.find(7), digest(1));
  EXPECT_FALSE(contents.find(5));
}

TEST_F(SnapshotContentsTest, TheLastRecordOfAnInodeCounts) {
  ASSERT_TRUE(SnapshotContents::write(layer(), {{7, digest(1)}, {8, digest(3)}, {7, digest(2)}}));
  EXPECT_EQ(SnapshotContents::load(layer()).find(7), digest(2));
}

TEST_F(SnapshotContentsTest, NothingIsFoundInDamage) {
  EXPECT_FALSE(SnapshotContents::load(layer()).find(7));
  ASSERT_TRUE(SnapshotContents::write(layer(), {{7, digest(1)}}));
  const std::filesystem::path file = directory_.path() / "contents";
  std::string bytes = *read_file(file);
  bytes.back() ^= 1;
  ASSERT_TRUE(write_file_atomic(file, bytes));
  EXPECT_FALSE(SnapshotContents::load(layer()).find(7));
}

// A store that was copied to another disk: its files have other inodes.
TEST_F(SnapshotContentsTest, NothingIsFoundForACopyOfTheLayer) {
  ASSERT_TRUE(SnapshotContents::write(layer(), {{7, digest(1)}}));
  const std::filesystem::path original = directory_.path() / "original";
  std::filesystem::rename(layer(), original);
  std::filesystem::copy(original, layer());
  struct stat info;
  ASSERT_EQ(::stat(original.c_str(), &info), 0);
  const timespec times[2] = {info.st_atim, info.st_mtim};
  ASSERT_EQ(::utimensat(AT_FDCWD, layer().c_str(), times, 0), 0);
  EXPECT_FALSE(SnapshotContents::load(layer()).find(7));
}

}  // namespace
}  // namespace slipway::store
