#include "store/file_digests.h"

#include <fstream>

#include <gtest/gtest.h>

#include "base/file_io.h"
#include "base/temp_dir.h"

namespace slipway::store {
namespace {

constexpr int64_t kNow = 1'700'000'000'000'000'000;
constexpr int64_t kLongAgo = kNow - 1'000'000'000;

FileIdentity file(uint64_t inode, int64_t mtime = kLongAgo) {
  return {1, inode, 100, mtime, mtime};
}
RawDigest digest(uint8_t value) {
  RawDigest raw;
  raw.fill(value);
  return raw;
}

class FileDigestsTest : public testing::Test {
 protected:
  TempDir directory_ = *TempDir::create("/var/tmp", "slipway-digests-");
  std::filesystem::path path_ = directory_.path() / "index";
};

TEST_F(FileDigestsTest, AnUnchangedFileIsKnown) {
  auto digests = FileDigests::load(path_);
  for (uint8_t inode = 1; inode <= 200; ++inode) digests->add(file(inode), digest(inode), kNow);
  ASSERT_TRUE(digests->save());
  digests = FileDigests::load(path_);
  for (uint8_t inode = 1; inode <= 200; ++inode) {
    EXPECT_EQ(digests->find(file(inode)), digest(inode));
  }
  EXPECT_EQ(digests->find(file(201)), std::nullopt);
  EXPECT_EQ(digests->find(file(7, kLongAgo + 1)), std::nullopt);
}

TEST_F(FileDigestsTest, AFileModifiedJustNowIsNotRemembered) {
  auto digests = FileDigests::load(path_);
  digests->add(file(1, kNow - 1'000'000), digest(1), kNow);
  ASSERT_TRUE(digests->save());
  EXPECT_EQ(FileDigests::load(path_)->find(file(1, kNow - 1'000'000)), std::nullopt);
}

TEST_F(FileDigestsTest, TwoWritersKeepEachOthersEntries) {
  auto ours = FileDigests::load(path_);
  auto theirs = FileDigests::load(path_);
  ours->add(file(1), digest(1), kNow);
  theirs->add(file(2), digest(2), kNow);
  ASSERT_TRUE(ours->save());
  ASSERT_TRUE(theirs->save());
  const auto both = FileDigests::load(path_);
  EXPECT_EQ(both->find(file(1)), digest(1));
  EXPECT_EQ(both->find(file(2)), digest(2));
}

TEST_F(FileDigestsTest, ANewerEntryReplacesTheOldOne) {
  auto digests = FileDigests::load(path_);
  digests->add(file(1), digest(1), kNow);
  ASSERT_TRUE(digests->save());
  digests = FileDigests::load(path_);
  digests->add(file(1, kLongAgo + 5), digest(2), kNow);
  ASSERT_TRUE(digests->save());
  digests = FileDigests::load(path_);
  EXPECT_EQ(digests->find(file(1)), std::nullopt);
  EXPECT_EQ(digests->find(file(1, kLongAgo + 5)), digest(2));
}

TEST_F(FileDigestsTest, WhatNobodyAsksForIsForgotten) {
  for (int64_t write = 0; write < 20; ++write) {
    const auto digests = FileDigests::load(path_);
    if (write == 0) digests->add(file(1), digest(1), kNow);
    if (write == 0) digests->add(file(2), digest(2), kNow);
    digests->find(file(2));
    digests->add(file(3, kLongAgo + write), digest(3), kNow);
    ASSERT_TRUE(digests->save());
  }
  const auto digests = FileDigests::load(path_);
  EXPECT_EQ(digests->find(file(1)), std::nullopt);
  EXPECT_EQ(digests->find(file(2)), digest(2));
}

TEST_F(FileDigestsTest, ADamagedIndexIsEmpty) {
  auto digests = FileDigests::load(path_);
  digests->add(file(1), digest(1), kNow);
  ASSERT_TRUE(digests->save());
  std::string content = *read_file(path_);
  content[content.size() / 2] ^= 1;
  ASSERT_TRUE(write_file_atomic(path_, content));
  EXPECT_EQ(FileDigests::load(path_)->find(file(1)), std::nullopt);
  ASSERT_TRUE(write_file_atomic(path_, content.substr(0, 50)));
  EXPECT_EQ(FileDigests::load(path_)->find(file(1)), std::nullopt);
}

}  // namespace
}  // namespace slipway::store
