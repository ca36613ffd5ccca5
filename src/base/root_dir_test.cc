#include "base/root_dir.h"

#include <fcntl.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "base/file_io.h"
#include "base/temp_dir.h"

namespace slipway {
namespace {

class RootDirTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(write_file_atomic(temp_.path() / "secret", "outside"));
    ASSERT_TRUE(make_directories(temp_.path() / "root/dir"));
    ASSERT_TRUE(write_file_atomic(temp_.path() / "root/secret", "inside"));
    link("/secret", "absolute");
    link("../../secret", "dir/up");
    link("/", "slash");
    link("loop", "loop");
    link("nowhere/else", "dangling");
  }
  void link(const char* target, const std::string& name) {
    ASSERT_EQ(::symlink(target, (temp_.path() / "root" / name).c_str()), 0);
  }
  RootDir root() { return *RootDir::open(temp_.path() / "root"); }

  TempDir temp_ = *TempDir::create(testing::TempDir(), "root-dir-test");
};

TEST_F(RootDirTest, NoPathLeavesTheRoot) {
  for (const char* path : {"/secret", "../secret", "absolute", "dir/up", "slash/../../secret"}) {
    const auto content = root().read_file(path);
    ASSERT_TRUE(content) << path << ": " << content.error().message();
    EXPECT_EQ(*content, "inside") << path;
  }
}

TEST_F(RootDirTest, LoopsEnd) {
  EXPECT_EQ(root().read_file("loop").error().errno_value(), ELOOP);
  EXPECT_EQ(root().canonical("loop/x").error().errno_value(), ELOOP);
}

TEST_F(RootDirTest, CanonicalResolvesLinksAndKeepsMissingNames) {
  EXPECT_EQ(*root().canonical("slash/dir/../absolute"), "/secret");
  EXPECT_EQ(*root().canonical("dangling/x"), "/nowhere/else/x");
  EXPECT_EQ(*root().canonical("../../.."), "/");
}

TEST_F(RootDirTest, MakeDirectoriesFollowsLinksInside) {
  ASSERT_TRUE(root().make_directories("slash/new/deep", 0711, ::getuid(), ::getgid()));
  const auto info = root().stat_at("/new/deep", false);
  ASSERT_TRUE(info && info->has_value());
  EXPECT_EQ((**info).st_mode, S_IFDIR | 0711u);
  ASSERT_TRUE(root().make_directories("dangling/x", 0755, ::getuid(), ::getgid()));
  EXPECT_TRUE((*root().stat_at("/nowhere/else/x", false)).has_value());
}

TEST_F(RootDirTest, MissingIsNulloptFromStat) {
  EXPECT_FALSE((*root().stat_at("none", true)).has_value());
  EXPECT_TRUE((*root().stat_at("dangling", false)).has_value());
}

}  // namespace
}  // namespace slipway
