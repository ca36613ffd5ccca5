#include <sys/sysmacros.h>

#include "base/child_process.h"
#include "ops/file_actions.h"
#include "ops/file_test_fixture.h"

namespace slipway::ops {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class FileCopyTest : public FileOpTest {};

TEST_F(FileCopyTest, CopiesAFileIntoADirectoryOrUnderANewName) {
  put(source() / "a.txt", "A");
  ASSERT_TRUE(copy(action("/a.txt", "/new/dir/")));
  ASSERT_TRUE(copy(action("/a.txt", "/new/name")));
  EXPECT_THAT(names(), ElementsAre("new", "new/dir", "new/dir/a.txt", "new/name"));
  EXPECT_EQ(content("new/name"), "A");
}

TEST_F(FileCopyTest, MergesADirectoryIntoOneThatIsThere) {
  put(source() / "d/new", "new");
  put(source() / "d/sub/deep", "deep");
  put(source() / "d/both", "from source");
  put(base() / "app/both", "from base");
  put(base() / "app/sub/kept", "kept");
  ASSERT_EQ(::chmod((base() / "app").c_str(), 0700), 0);
  ASSERT_EQ(::chmod((source() / "d/sub").c_str(), 0750), 0);
  ASSERT_TRUE(copy(action("/d", "/app")));
  EXPECT_THAT(names(),
              ElementsAre("app", "app/both", "app/new", "app/sub", "app/sub/deep", "app/sub/kept"));
  EXPECT_EQ(content("app/both"), "from source");
  // The destination keeps its attributes, directories below it take those of the source.
  EXPECT_EQ(lstat_of(merged() / "app").st_mode & 07777, 0700u);
  EXPECT_EQ(lstat_of(merged() / "app/sub").st_mode & 07777, 0750u);
}

TEST_F(FileCopyTest, WritesOnlyWhatChangesIntoTheLayer) {
  put(source() / "a", "A");
  put(base() / "usr/share/doc/x", "x");
  put(base() / "etc/passwd", "");
  ASSERT_TRUE(copy(action("/a", "/usr/share/")));
  names();
  mount_.reset();
  std::vector<std::string> in_upper;
  for (const auto& entry : fs::recursive_directory_iterator(upper())) {
    in_upper.push_back(entry.path().lexically_relative(upper()));
  }
  std::ranges::sort(in_upper);
  EXPECT_THAT(in_upper, ElementsAre("usr", "usr/share", "usr/share/a"));
  EXPECT_EQ(lstat_of(upper() / "usr").st_mtime, lstat_of(base() / "usr").st_mtime);
}

TEST_F(FileCopyTest, FollowsSymlinksOfTheDestinationInsideTheImage) {
  put(source() / "a", "A");
  fs::create_directories(base() / "usr/lib");
  fs::create_symlink("usr/lib", base() / "lib");
  fs::create_symlink("/../../usr", base() / "out");
  ASSERT_TRUE(copy(action("/a", "/lib/sub/")));
  ASSERT_TRUE(copy(action("/a", "/out/x")));
  EXPECT_THAT(names(),
              ElementsAre("lib", "out", "usr", "usr/lib", "usr/lib/sub", "usr/lib/sub/a", "usr/x"));
  EXPECT_TRUE(fs::is_symlink(merged() / "lib"));
}

TEST_F(FileCopyTest, KeepsModesTimesAndLinks) {
  put(source() / "tool", "#!", 04755);
  fs::create_symlink("tool", source() / "alias");
  fs::create_hard_link(source() / "tool", source() / "same");
  ASSERT_EQ(::mkfifo((source() / "pipe").c_str(), 0600), 0);
  const timespec times[2] = {{1000, 5}, {1000, 5}};
  ASSERT_EQ(::utimensat(AT_FDCWD, (source() / "tool").c_str(), times, 0), 0);
  ASSERT_TRUE(copy(action("/", "/")));
  EXPECT_THAT(names(), ElementsAre("alias", "pipe", "same", "tool"));
  EXPECT_EQ(lstat_of(merged() / "tool").st_mode & 07777, 04755u);
  EXPECT_EQ(lstat_of(merged() / "tool").st_mtim.tv_sec, 1000);
  EXPECT_EQ(lstat_of(merged() / "tool").st_mtim.tv_nsec, 5);
  EXPECT_EQ(fs::read_symlink(merged() / "alias"), "tool");
  EXPECT_EQ(lstat_of(merged() / "same").st_ino, lstat_of(merged() / "tool").st_ino);
  EXPECT_TRUE(S_ISFIFO(lstat_of(merged() / "pipe").st_mode));
}

TEST_F(FileCopyTest, OwnerModeAndTimeCanBeGiven) {
  put(source() / "d/f", "f", 0600);
  put(source() / "d/x", "x", 0755);
  graph::FileCopy copy_action = action("/d", "/o/p");
  copy_action.mode_str = "u=rwX,go=rX";
  copy_action.timestamp = 7'000'000'000;
  ASSERT_TRUE(copy(copy_action, Owner{12, 34}));
  names();
  for (const char* path : {"o", "o/p", "o/p/f"}) {
    EXPECT_EQ(lstat_of(merged() / path).st_uid, 12u) << path;
    EXPECT_EQ(lstat_of(merged() / path).st_gid, 34u) << path;
    EXPECT_EQ(lstat_of(merged() / path).st_mtime, 7) << path;
  }
  EXPECT_EQ(lstat_of(merged() / "o/p/f").st_mode & 07777, 0644u);
  EXPECT_EQ(lstat_of(merged() / "o/p/x").st_mode & 07777, 0755u);
}

TEST_F(FileCopyTest, WildcardsMatchWithinAComponent) {
  put(source() / "a.py", "a");
  put(source() / "b.py", "b");
  put(source() / "c.txt", "c");
  put(source() / "pkg/d.py", "d");
  ASSERT_TRUE(copy(action("/*.py", "/dest/")));
  EXPECT_THAT(names(), ElementsAre("dest", "dest/a.py", "dest/b.py"));
  ASSERT_TRUE(copy(action("/p?g/[a-d].p*", "/other/")));
  EXPECT_THAT(names(), Contains("other/d.py"));

  const Status none = copy(action("/*.nothing", "/dest/"));
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code(), ErrorCode::NotFound);
  graph::FileCopy optional = action("/*.nothing", "/dest/");
  optional.allow_empty_wildcard = true;
  EXPECT_TRUE(copy(optional));
}

TEST_F(FileCopyTest, OfFilesWithOneNameTheLastOneWins) {
  for (const char* directory : {"1", "2", "3"}) put(source() / directory / "f", directory);
  ASSERT_TRUE(copy(action("/*/f", "/dest/")));
  names();
  EXPECT_EQ(content("dest/f"), "3");
}

TEST_F(FileCopyTest, PatternsChooseFilesAndOnlyTheDirectoriesOnTheWay) {
  for (const char* path :
       {"src/a.go", "src/a_test.go", "src/in/b.go", "docs/x.md", "vendor/v.go"}) {
    put(source() / path, path);
  }
  graph::FileCopy include = action("/", "/i");
  include.include_patterns = {"src/**/*.go"};
  include.exclude_patterns = {"**/*_test.go"};
  ASSERT_TRUE(copy(include));
  EXPECT_THAT(names(), ElementsAre("i", "i/src", "i/src/a.go", "i/src/in", "i/src/in/b.go"));

  graph::FileCopy exclude = action("/", "/e");
  exclude.exclude_patterns = {"src", "!src/a.go", "vendor"};
  ASSERT_TRUE(copy(exclude));
  std::vector<std::string> found = names();
  std::erase_if(found, [](const std::string& name) { return !name.starts_with("e"); });
  EXPECT_THAT(found, ElementsAre("e", "e/docs", "e/docs/x.md", "e/src", "e/src/a.go"));
}

TEST_F(FileCopyTest, FilesAndDirectoriesDoNotReplaceEachOtherUnasked) {
  put(source() / "thing/f", "f");
  put(source() / "file", "file");
  put(base() / "dest/thing", "a file");
  put(base() / "dest/file/inner", "");
  graph::FileCopy whole = action("/", "/dest");
  EXPECT_THAT(copy(whole).error().message(), HasSubstr("cannot"));

  whole.always_replace_existing_dest_paths = true;
  ASSERT_TRUE(copy(whole));
  EXPECT_THAT(names(), ElementsAre("dest", "dest/file", "dest/thing", "dest/thing/f"));
  EXPECT_EQ(content("dest/file"), "file");
}

TEST_F(FileCopyTest, ADirectoryThatReplacesARemovedOneShowsNothingOfIt) {
  put(source() / "d/new", "new");
  put(base() / "d/old", "old");
  graph::FileRm rm;
  rm.path = "/d";
  ASSERT_TRUE(remove_path(rm, target()));
  ASSERT_TRUE(copy(action("/d", "/d")));
  EXPECT_THAT(names(), ElementsAre("d", "d/new"));
}

TEST_F(FileCopyTest, AMissingSourceIsAnError) {
  const Status status = copy(action("/nothing", "/dest"));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), ErrorCode::NotFound);
}

TEST_F(FileCopyTest, NoticesFilesThatChangedSinceTheyWereHashed) {
  put(source() / "f", "before");
  const KnownEntry known{"f", lstat_of(source() / "f"), {}};
  TreeRules rules;
  rules.overlay = false;
  rules.listing = [known](const std::string&) -> Result<std::vector<KnownEntry>> {
    return std::vector{known};
  };
  const Tree tree = *Tree::open_directory(source(), std::move(rules));
  put(source() / "f", "after, and longer");
  ThreadPool pool(1);
  const Status status = copy_files(action("/f", "/f"), {}, tree, target(), pool, {}, {});
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message(), HasSubstr("changed while"));
}

TEST_F(FileCopyTest, ContextsHideWhatTheyLeaveOutAndBelongToRoot) {
  put(source() / "kept", "k");
  put(source() / "secret/key", "s");
  ASSERT_EQ(::chown((source() / "kept").c_str(), 1000, 1000), 0);
  const KnownEntry known{"kept", lstat_of(source() / "kept"), {}};
  TreeRules rules;
  rules.overlay = false;
  rules.plain_owner = true;
  rules.listing = [known](const std::string& path) -> Result<std::vector<KnownEntry>> {
    return path.empty() ? std::vector{known} : std::vector<KnownEntry>();
  };
  const Tree tree = *Tree::open_directory(source(), std::move(rules));
  ThreadPool pool(1);
  ASSERT_TRUE(copy_files(action("/", "/"), {}, tree, target(), pool, {}, {}));
  EXPECT_THAT(names(), ElementsAre("kept"));
  EXPECT_EQ(lstat_of(merged() / "kept").st_uid, 0u);
  EXPECT_FALSE(copy_files(action("/secret/key", "/"), {}, tree, target(), pool, {}, {}));
}

TEST_F(FileCopyTest, ManyFilesOnManyThreadsAllArrive) {
  std::string text;
  for (int i = 0; i < 3000; ++i) {
    put(source() / std::to_string(i % 40) / std::to_string(i), std::to_string(i));
  }
  put(source() / "big", std::string(3'000'000, 'b'));
  ASSERT_TRUE(copy(action("/", "/all")));
  EXPECT_EQ(names().size(), 3000u + 40 + 2);
  EXPECT_EQ(content("all/7/2047"), "2047");
  EXPECT_EQ(content("all/big").size(), 3'000'000u);
}

TEST_F(FileCopyTest, AddUnpacksArchivesAndCopiesEverythingElse) {
  put(source() / "tree/dir/ü", "umlaut");
  put(source() / "tree/tool", "t", 0755);
  fs::create_symlink("tool", source() / "tree/link");
  put(base() / "opt/keep", "keep");
  for (const std::string format : {"z", "J", "j"}) {
    ProcessOptions tar;
    tar.argv = {"tar",
                "-C",
                source() / "tree",
                "--owner=5",
                "--group=6",
                "-c" + format + "f",
                source() / ("a.tar." + format),
                "."};
    ASSERT_TRUE(run_command(tar)->status.success());
    graph::FileCopy add = action("/a.tar." + format, "/opt/" + format);
    add.attempt_unpack = true;
    ASSERT_TRUE(copy(add)) << format;
  }
  graph::FileCopy plain = action("/tree/tool", "/opt/");
  plain.attempt_unpack = true;
  ASSERT_TRUE(copy(plain));
  const std::vector<std::string> found = names();
  EXPECT_THAT(found, Contains("opt/keep"));
  EXPECT_THAT(found, Contains("opt/tool"));
  for (const std::string format : {"z", "J", "j"}) {
    EXPECT_EQ(content("opt/" + format + "/dir/ü"), "umlaut");
    EXPECT_EQ(lstat_of(merged() / "opt" / format / "tool").st_mode & 07777, 0755u);
    EXPECT_EQ(lstat_of(merged() / "opt" / format / "tool").st_uid, 5u);
    EXPECT_TRUE(fs::is_symlink(merged() / "opt" / format / "link"));
  }
}

TEST_F(FileCopyTest, ArchivesDoNotLeaveTheImage) {
  fs::create_directories(root() / "outside");
  put(source() / "evil/x", "x");
  fs::create_symlink(root() / "outside", base() / "escape");
  ProcessOptions tar;
  tar.argv = {"tar",
              "-C",
              source() / "evil",
              "--transform=s,x,../../outside/x,",
              "-Pcf",
              source() / "evil.tar",
              "x"};
  ASSERT_TRUE(run_command(tar)->status.success());
  graph::FileCopy add = action("/evil.tar", "/escape");
  add.attempt_unpack = true;
  EXPECT_FALSE(copy(add));
  EXPECT_TRUE(fs::is_empty(root() / "outside"));
}

// As in a chroot there: a file system that is unpacked into a directory has absolute symlinks.
TEST_F(FileCopyTest, SymlinksOfAnArchiveAreResolvedWhereItIsUnpacked) {
  put(base() / "etc/x", "of the image");
  fs::create_directories(source() / "links");
  fs::create_symlink("/etc", source() / "links/l");
  fs::create_symlink("../../..", source() / "links/up");
  put(source() / "files/etc/y", "y");
  put(source() / "files/l/x", "of the archive");
  put(source() / "files/up/etc/z", "z");
  for (const char* command :
       {"tar -C links -cf a.tar l up", "tar -C files -rf a.tar etc/y l/x up/etc/z"}) {
    ProcessOptions tar;
    tar.argv = {"sh", "-c", std::string(command)};
    tar.working_directory = source();
    ASSERT_TRUE(run_command(tar)->status.success());
  }
  graph::FileCopy add = action("/a.tar", "/opt/");
  add.attempt_unpack = true;
  ASSERT_TRUE(copy(add));
  names();
  EXPECT_EQ(content("etc/x"), "of the image");
  EXPECT_EQ(content("opt/etc/x"), "of the archive");
  EXPECT_EQ(content("opt/etc/y"), "y");
  EXPECT_EQ(content("opt/etc/z"), "z");
}

TEST_F(FileCopyTest, ADeviceOfAnArchiveDoesNotDeleteAFile) {
  put(base() / "file", "kept");
  fs::create_directories(source() / "evil");
  ASSERT_EQ(::mknod((source() / "evil/file").c_str(), S_IFCHR | 0600, 0), 0);
  ProcessOptions tar;
  tar.argv = {"tar", "-C", source() / "evil", "-cf", source() / "a.tar", "file"};
  ASSERT_TRUE(run_command(tar)->status.success());
  graph::FileCopy add = action("/a.tar", "/");
  add.attempt_unpack = true;
  const Status added = copy(add);
  ASSERT_FALSE(added);
  EXPECT_THAT(added.error().message(), testing::HasSubstr("0:0"));
}

}  // namespace
}  // namespace slipway::ops
