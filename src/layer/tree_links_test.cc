#include "layer/tree_links.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <gtest/gtest.h>

#include "base/file_io.h"
#include "base/temp_dir.h"
#include "base/test_links.h"

namespace slipway::layer {
namespace {

namespace fs = std::filesystem;

class TreeLinksTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(source_);
    fs::create_directories(target_);
  }
  static void put(const fs::path& path, const std::string& content) {
    fs::create_directories(path.parent_path());
    ASSERT_TRUE(write_file_atomic(path, content));
  }
  static void set_time(const fs::path& path, time_t seconds) {
    const timespec times[2] = {{seconds, 5}, {seconds, 5}};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  }
  static struct stat look(const fs::path& path) {
    struct stat info{};
    EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
    return info;
  }
  void link(const std::set<std::string>& left_out = {}) {
    const Status linked = link_tree_over(source_, target_, left_out, {});
    ASSERT_TRUE(linked) << linked.error().message();
  }

  TempDir directory_ = *TempDir::create("/var/tmp", "slipway-links-");
  const fs::path source_ = directory_.path() / "source";
  const fs::path target_ = directory_.path() / "target";
};

TEST_F(TreeLinksTest, AnEmptyTargetBecomesTheSame) {
  put(source_ / "a/b/file", "x");
  fs::create_symlink("/etc/passwd", source_ / "a/link");
  set_time(source_ / "a", 1'000'000'000);
  ASSERT_EQ(::chmod((source_ / "a").c_str(), 0751), 0);
  link();
  EXPECT_EQ(look(target_ / "a/b/file").st_ino, look(source_ / "a/b/file").st_ino);
  EXPECT_EQ(fs::read_symlink(target_ / "a/link"), "/etc/passwd");
  EXPECT_EQ(look(target_ / "a").st_mode & 07777, 0751u);
  EXPECT_EQ(look(target_ / "a").st_mtim.tv_sec, 1'000'000'000);
  EXPECT_EQ(look(target_ / "a").st_mtim.tv_nsec, 5);
}

TEST_F(TreeLinksTest, AFileWithAsManyLinksAsItCanHaveIsCopied) {
  put(source_ / "file", "x");
  set_time(source_ / "file", 1'000'000'000);
  if (!link_to_the_limit(source_ / "file", directory_.path() / "links")) GTEST_SKIP();
  link();
  EXPECT_EQ(*read_file(target_ / "file"), "x");
  EXPECT_EQ(look(target_ / "file").st_mtim.tv_sec, 1'000'000'000);
  EXPECT_EQ(look(target_ / "file").st_mode, look(source_ / "file").st_mode);
}

TEST_F(TreeLinksTest, WhatTheSourceHasCountsAndTheRestStays) {
  put(source_ / "both", "of source");
  put(target_ / "both", "of target");
  put(target_ / "only/target", "kept");
  put(source_ / "only/source", "added");
  link();
  EXPECT_EQ(*read_file(target_ / "both"), "of source");
  EXPECT_EQ(*read_file(target_ / "only/target"), "kept");
  EXPECT_EQ(*read_file(target_ / "only/source"), "added");
  EXPECT_FALSE(fs::exists(source_ / "only/target"));
}

TEST_F(TreeLinksTest, KindsThatDifferAreReplacedAndNoSymlinkIsFollowed) {
  put(directory_.path() / "outside/file", "untouched");
  put(source_ / "directory/file", "x");
  fs::create_directory_symlink("../outside", target_ / "directory");
  put(target_ / "file/inner", "gone");
  put(source_ / "file", "x");
  link();
  EXPECT_TRUE(fs::is_directory(fs::symlink_status(target_ / "directory")));
  EXPECT_EQ(*read_file(target_ / "file"), "x");
  EXPECT_EQ(*read_file(directory_.path() / "outside/file"), "untouched");
}

TEST_F(TreeLinksTest, MergedDirectoriesHaveTheNewerTime) {
  put(source_ / "older/a", "x");
  put(source_ / "newer/a", "x");
  put(target_ / "older/b", "x");
  put(target_ / "newer/b", "x");
  set_time(source_ / "older", 1'000);
  set_time(source_ / "newer", 3'000);
  set_time(target_ / "older", 2'000);
  set_time(target_ / "newer", 2'000);
  link();
  EXPECT_EQ(look(target_ / "older").st_mtim.tv_sec, 2'000);
  EXPECT_EQ(look(target_ / "newer").st_mtim.tv_sec, 3'000);
}

TEST_F(TreeLinksTest, WhatIsLeftOutIsNotThere) {
  put(source_ / "archive/one/file", "x");
  put(source_ / "archive/two/file", "x");
  put(source_ / "file", "x");
  link({"archive/one", "file"});
  EXPECT_FALSE(fs::exists(target_ / "archive/one"));
  EXPECT_TRUE(fs::exists(target_ / "archive/two/file"));
  EXPECT_FALSE(fs::exists(target_ / "file"));
}

}  // namespace
}  // namespace slipway::layer
