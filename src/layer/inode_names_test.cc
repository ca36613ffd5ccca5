#include "layer/inode_names.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include <gtest/gtest.h>

#include "base/file_io.h"
#include "base/temp_dir.h"
#include "base/unique_fd.h"

namespace slipway::layer {
namespace {

namespace fs = std::filesystem;

class InodeNamesTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(write_file_atomic(file_, "content"));
    if (name(file_).empty()) GTEST_SKIP() << "this file system does not know when files were made";
  }
  static std::string name(const fs::path& path) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY));
    return *inode_name(fd.get());
  }
  static void set_times(const fs::path& path, const struct stat& like) {
    const timespec times[] = {like.st_atim, like.st_mtim};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  }

  Result<TempDir> temp_ = TempDir::create("/var/tmp", "slipway-inode-names-test-");
  const fs::path file_ = temp_->path() / "file";
};

TEST_F(InodeNamesTest, LinksHaveTheNameOfTheirInode) {
  const std::string before = name(file_);
  fs::create_hard_link(file_, temp_->path() / "link");
  EXPECT_EQ(name(temp_->path() / "link"), before);
  EXPECT_EQ(name(file_), before);
}

TEST_F(InodeNamesTest, AWriteChangesTheName) {
  const std::string before = name(file_);
  ::usleep(20'000);  // file times have a grain of some milliseconds
  const UniqueFd fd(::open(file_.c_str(), O_WRONLY));
  ASSERT_EQ(::pwrite(fd.get(), "C", 1, 0), 1);
  EXPECT_NE(name(file_), before);
}

// The same number, size and times, another file: what a number that is used again would look like.
TEST_F(InodeNamesTest, ANumberThatIsUsedAgainIsAnotherName) {
  struct stat old;
  ASSERT_EQ(::stat(file_.c_str(), &old), 0);
  const std::string before = name(file_);
  bool again = false;
  for (int i = 0; i < 100 && !again; ++i) {
    ::usleep(10'000);
    ASSERT_TRUE(fs::remove(file_));
    const UniqueFd fd(::open(file_.c_str(), O_WRONLY | O_CREAT, 0644));
    ASSERT_EQ(::write(fd.get(), "CONTENT", 7), 7);
    struct stat info;
    ASSERT_EQ(::fstat(fd.get(), &info), 0);
    again = info.st_ino == old.st_ino;
    set_times(file_, old);
    EXPECT_NE(name(file_), before);
  }
  if (!again) GTEST_SKIP() << "this file system does not use inode numbers again";
}

TEST_F(InodeNamesTest, TheOrderCounts) {
  const fs::path other = temp_->path() / "other";
  ASSERT_TRUE(write_file_atomic(other, "content"));
  const UniqueFd a(::open(file_.c_str(), O_RDONLY));
  const UniqueFd b(::open(other.c_str(), O_RDONLY));
  const auto digest = [](int first, int second) {
    InodeNames names;
    EXPECT_TRUE(names.add(first));
    EXPECT_TRUE(names.add(second));
    return names.finish();
  };
  EXPECT_EQ(digest(a.get(), b.get()), digest(a.get(), b.get()));
  EXPECT_NE(digest(a.get(), b.get()), digest(b.get(), a.get()));
}

}  // namespace
}  // namespace slipway::layer
