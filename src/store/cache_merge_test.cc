#include "store/cache_merge.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <fstream>

#include <gtest/gtest.h>

#include "base/file_io.h"
#include "base/temp_dir.h"

namespace slipway::store {
namespace {

namespace fs = std::filesystem;

class CacheMergeTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "whiteouts need root";
    fs::create_directories(cache);
    fs::create_directories(changes);
    fs::create_directories(root.path() / "away");
  }
  static void write(const fs::path& path, const std::string& content) {
    fs::create_directories(path.parent_path());
    std::ofstream(path) << content;
  }
  void whiteout(const std::string& path) {
    fs::create_directories((changes / path).parent_path());
    ASSERT_EQ(::mknod((changes / path).c_str(), S_IFCHR, 0), 0);
  }
  void opaque(const std::string& path) {
    fs::create_directories(changes / path);
    ASSERT_EQ(::setxattr((changes / path).c_str(), "trusted.overlay.opaque", "y", 1, 0), 0);
  }
  Status merge() {
    return merge_changes(changes, cache, [this]() -> Result<fs::path> {
      if (budget-- == 0) return make_error(ErrorCode::Internal, "killed");
      return root.path() / "away" / std::to_string(gone++);
    });
  }
  std::string content(const std::string& path) { return *read_file(cache / path); }

  TempDir root = *TempDir::create("/var/tmp", "slipway-merge-");
  fs::path cache = root.path() / "cache";
  fs::path changes = root.path() / "changes";
  int gone = 0;
  int budget = -1;  // calls of away until one fails
};

TEST_F(CacheMergeTest, FilesComeGoAndAreReplaced) {
  write(cache / "dir/kept", "kept");
  write(cache / "dir/changed", "old");
  write(cache / "dir/removed", "x");
  write(changes / "dir/changed", "new");
  write(changes / "dir/sub/added", "added");
  whiteout("dir/removed");
  ASSERT_TRUE(merge());
  EXPECT_EQ(content("dir/kept"), "kept");
  EXPECT_EQ(content("dir/changed"), "new");
  EXPECT_EQ(content("dir/sub/added"), "added");
  EXPECT_FALSE(fs::exists(cache / "dir/removed"));
  EXPECT_FALSE(fs::exists(changes));
}

TEST_F(CacheMergeTest, AReplacedFileIsNotWritten) {
  write(cache / "file", "old");
  fs::create_hard_link(cache / "file", root.path() / "snapshot");
  write(changes / "file", "new");
  ASSERT_TRUE(merge());
  EXPECT_EQ(content("file"), "new");
  EXPECT_EQ(*read_file(root.path() / "snapshot"), "old");
}

TEST_F(CacheMergeTest, AnOpaqueDirectoryReplacesTheOldOne) {
  write(cache / "dir/old", "x");
  opaque("dir");
  write(changes / "dir/new", "y");
  ASSERT_TRUE(merge());
  EXPECT_FALSE(fs::exists(cache / "dir/old"));
  EXPECT_EQ(content("dir/new"), "y");
  EXPECT_LT(::getxattr((cache / "dir").c_str(), "trusted.overlay.opaque", nullptr, 0), 0);
}

TEST_F(CacheMergeTest, AnOpaqueRootReplacesEverything) {
  write(cache / "old", "x");
  write(changes / "new", "y");
  opaque("");
  ASSERT_TRUE(merge());
  EXPECT_FALSE(fs::exists(cache / "old"));
  EXPECT_EQ(content("new"), "y");
}

TEST_F(CacheMergeTest, FilesAndDirectoriesTakeEachOthersPlace) {
  write(cache / "a/inside", "x");
  write(cache / "b", "x");
  write(changes / "a", "file");
  write(changes / "b/inside", "y");
  ASSERT_TRUE(merge());
  EXPECT_EQ(content("a"), "file");
  EXPECT_EQ(content("b/inside"), "y");
}

TEST_F(CacheMergeTest, ALinkToTheSameFileChangesNothing) {
  write(cache / "file", "x");
  fs::create_hard_link(cache / "file", changes / "file");
  ASSERT_TRUE(merge());
  EXPECT_EQ(content("file"), "x");
  EXPECT_FALSE(fs::exists(changes));
}

TEST_F(CacheMergeTest, DirectoriesGetTheirAttributes) {
  write(cache / "dir/file", "x");
  ASSERT_EQ(::setxattr((cache / "dir").c_str(), "user.old", "1", 1, 0), 0);
  write(changes / "dir/other", "y");
  ASSERT_EQ(::chown((changes / "dir").c_str(), 7, 8), 0);
  ASSERT_EQ(::chmod((changes / "dir").c_str(), 01750), 0);
  ASSERT_EQ(::setxattr((changes / "dir").c_str(), "user.new", "2", 1, 0), 0);
  const timespec times[2] = {{1, 0}, {1234567890, 42}};
  ASSERT_EQ(::utimensat(AT_FDCWD, (changes / "dir").c_str(), times, 0), 0);
  ASSERT_TRUE(merge());
  struct stat info;
  ASSERT_EQ(::stat((cache / "dir").c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, 7u);
  EXPECT_EQ(info.st_gid, 8u);
  EXPECT_EQ(info.st_mode & 07777, 01750u);
  EXPECT_EQ(info.st_mtim.tv_sec, 1234567890);
  EXPECT_EQ(info.st_mtim.tv_nsec, 42);
  EXPECT_EQ(::getxattr((cache / "dir").c_str(), "user.new", nullptr, 0), 1);
  EXPECT_LT(::getxattr((cache / "dir").c_str(), "user.old", nullptr, 0), 0);
}

// Cut off before each removal in turn, the second run ends where an undisturbed one does.
TEST_F(CacheMergeTest, AnInterruptedMergeIsCompletedByTheNext) {
  for (int cut = 0; cut < 4; ++cut) {
    fs::remove_all(cache);
    write(cache / "opaque/old", "x");
    write(cache / "removed", "x");
    write(cache / "dir/was-dir/x", "x");
    opaque("opaque");
    write(changes / "opaque/new", "y");
    whiteout("removed");
    write(changes / "dir/was-dir", "file");
    budget = cut;
    EXPECT_EQ(merge().has_value(), cut == 3);
    budget = -1;
    if (cut != 3) {
      ASSERT_TRUE(merge());
    }
    EXPECT_EQ(content("opaque/new"), "y");
    EXPECT_FALSE(fs::exists(cache / "opaque/old"));
    EXPECT_FALSE(fs::exists(cache / "removed"));
    EXPECT_EQ(content("dir/was-dir"), "file");
    fs::create_directories(changes);
  }
}

}  // namespace
}  // namespace slipway::store
