#include "ops/file_actions.h"

#include "ops/file_mode.h"
#include "ops/file_owner.h"
#include "ops/file_test_fixture.h"

namespace slipway::ops {
namespace {

using testing::ElementsAre;

class FileActionsTest : public FileOpTest {};

graph::FileRm rm(std::string path, bool allow_not_found = false, bool wildcard = false) {
  return {std::move(path), allow_not_found, wildcard};
}

TEST_F(FileActionsTest, MkfileReplacesAFileAndNeverOpensIt) {
  put(base() / "etc/hosts", "old");
  ASSERT_TRUE(make_file({"/etc/hosts", 0600, "new", {}, 5'000'000'000}, Owner{7, 8}, target()));
  EXPECT_THAT(names(), ElementsAre("etc", "etc/hosts"));
  EXPECT_EQ(content("etc/hosts"), "new");
  EXPECT_EQ(lstat_of(merged() / "etc/hosts").st_uid, 7u);
  EXPECT_EQ(lstat_of(merged() / "etc/hosts").st_mtime, 5);
  EXPECT_EQ(lstat_of(merged() / "etc/hosts").st_mode & 07777, 0600u);
  EXPECT_FALSE(make_file({"/missing/x", 0600, "", {}, -1}, {}, target()));
  EXPECT_EQ(make_file({"/etc", 0600, "", {}, -1}, {}, target()).error().errno_value(), EISDIR);
}

TEST_F(FileActionsTest, MkdirMakesParentsOnlyWhenAsked) {
  graph::FileMkdir mkdir{"/a/b", 0750, false, {}, -1};
  EXPECT_FALSE(make_directory(mkdir, {}, target()));
  mkdir.make_parents = true;
  ASSERT_TRUE(make_directory(mkdir, Owner{3, 4}, target()));
  ASSERT_TRUE(make_directory(mkdir, Owner{9, 9}, target()));  // it is there: nothing changes
  EXPECT_THAT(names(), ElementsAre("a", "a/b"));
  EXPECT_EQ(lstat_of(merged() / "a").st_uid, 3u);
  EXPECT_EQ(lstat_of(merged() / "a/b").st_mode & 07777, 0750u);
}

TEST_F(FileActionsTest, RmRemovesWhatLowerLayersHave) {
  put(base() / "d/x", "");
  put(base() / "d/y", "");
  put(base() / "e/deep/z", "");
  fs::create_symlink("/d", base() / "link");
  ASSERT_TRUE(remove_path(rm("/d/x"), target()));
  ASSERT_TRUE(remove_path(rm("/e"), target()));
  ASSERT_TRUE(remove_path(rm("/link"), target()));
  EXPECT_THAT(names(), ElementsAre("d", "d/y"));
  EXPECT_FALSE(remove_path(rm("/d/x"), target()));
  EXPECT_TRUE(remove_path(rm("/d/x", true), target()));
  EXPECT_FALSE(remove_path(rm("/"), target()));
}

TEST_F(FileActionsTest, RmTakesWildcards) {
  for (const char* path : {"l/a.log", "l/b.log", "l/c.txt"}) put(base() / path, "");
  ASSERT_TRUE(remove_path(rm("/l/*.log", false, true), target()));
  ASSERT_TRUE(remove_path(rm("/l/*.none", false, true), target()));
  EXPECT_THAT(names(), ElementsAre("l", "l/c.txt"));
}

TEST_F(FileActionsTest, WhatIsRemovedCanBeMadeAgain) {
  put(base() / "d/old", "");
  put(base() / "f", "old");
  ASSERT_TRUE(remove_path(rm("/d"), target()));
  ASSERT_TRUE(remove_path(rm("/f"), target()));
  ASSERT_TRUE(make_directory({"/d", 0755, false, {}, -1}, {}, target()));
  ASSERT_TRUE(make_symlink({"/d", "/f", {}, -1}, {}, target()));
  EXPECT_THAT(names(), ElementsAre("d", "f"));
  EXPECT_EQ(fs::read_symlink(merged() / "f"), "/d");
  EXPECT_FALSE(make_symlink({"x", "/f", {}, -1}, {}, target()));
}

TEST(FileOwner, NamesAreLookedUpInTheFilesOfTheImage) {
  const std::string passwd =
      "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/home/app:\nbad:x:y:1\n";
  EXPECT_EQ(find_user(passwd, "app")->uid, 1000u);
  EXPECT_EQ(find_user(passwd, "app")->gid, 1001u);
  EXPECT_FALSE(find_user(passwd, "ap"));
  EXPECT_FALSE(find_user(passwd, "bad"));
  EXPECT_EQ(find_group("root:x:0:\nstaff:x:50:app\n", "staff"), 50u);
}

TEST(ModeChange, FollowsChmod) {
  const auto apply = [](std::string_view text, unsigned mode) {
    return ModeChange::parse(text)->apply(mode);
  };
  EXPECT_EQ(apply("0751", S_IFREG | 0600), 0751u);
  EXPECT_EQ(apply("u+x", S_IFREG | 0644), 0744u);
  EXPECT_EQ(apply("+x", S_IFREG | 0644), 0755u);
  EXPECT_EQ(apply("go-rwx", S_IFREG | 0777), 0700u);
  EXPECT_EQ(apply("a=rX", S_IFREG | 0600), 0444u);
  EXPECT_EQ(apply("a=rX", S_IFDIR | 0700), 0555u);
  EXPECT_EQ(apply("a=rX", S_IFREG | 0100), 0555u);
  EXPECT_EQ(apply("g=u,o=", S_IFREG | 0640), 0660u);
  EXPECT_EQ(apply("u+s,g+s,+t", S_IFREG | 0755), 07755u);
  EXPECT_EQ(apply("u=rw", S_IFREG | 04755), 0655u);
  for (const char* bad : {"", "u", "z+x", "u+q", "999", "u+x,", "0x1"}) {
    EXPECT_FALSE(ModeChange::parse(bad)) << bad;
  }
}

// chmod(1) refuses these, or is silent about them.
TEST(ModeChange, ReadsMixedLettersAsBuildKitDoes) {
  const auto apply = [](std::string_view text, unsigned mode) {
    return ModeChange::parse(text)->apply(mode);
  };
  EXPECT_EQ(apply("o+gu", S_IFREG | 0750), 0757u);
  EXPECT_EQ(apply("o=rg", S_IFREG | 0750), 0755u);  // "o=r,o=g"
  EXPECT_EQ(apply("o=gr", S_IFREG | 0750), 0754u);  // "o=g,o=r"
  EXPECT_EQ(apply("o+rg", S_IFREG | 0720), 0726u);
  EXPECT_EQ(apply("u=g", S_IFREG | 04750), 04550u);  // a copy leaves set-user-ID alone
  EXPECT_EQ(apply("=rt", S_IFREG | 0750), 01750u);   // nobody is named: "t" changes itself only
  EXPECT_EQ(apply("u+x,a-X", S_IFREG | 0644), 0644u);
}

}  // namespace
}  // namespace slipway::ops
