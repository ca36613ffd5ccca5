#include "source/file_tree.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/temp_dir.h"
#include "source/local_context.h"

namespace slipway::source {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

// Digests that BuildKit gives (the values of its own content hash tests).
constexpr char kData0[] = "sha256:cd8e75bca50f2d695f220d0cb0997d8ead387e4f926e8669a92d7f104cc9885b";
constexpr char kD0[] = "sha256:d47454417d2c554067fbefe5f5719edc49f3cfe969c36b62e34a187a4da0cc9a";
constexpr char kD0ByFile[] =
    "sha256:6b612ad5c13159112ae26357ef7bd34df29916941ba40ec2ce38dfb70c6c60c3";
constexpr char kDoubleStar[] =
    "sha256:aa7448215bbf5b837b35ce64467857d8b9747965573d14d4b31b370586370971";

std::vector<std::string> paths_of(const std::vector<FileEntry>& entries) {
  std::vector<std::string> paths;
  for (const FileEntry& entry : entries) paths.push_back(entry.path);
  return paths;
}

class FileTreeTest : public testing::Test {
 protected:
  void file(const fs::path& path, std::string_view content) {
    std::ofstream(root_ / path) << content;
    ASSERT_EQ(::chmod((root_ / path).c_str(), 0644), 0);
  }
  void directory(const fs::path& path) {
    ASSERT_EQ(::mkdir((root_ / path).c_str(), 0755), 0);
    ASSERT_EQ(::chmod((root_ / path).c_str(), 0755), 0);
  }
  void symlink(const fs::path& path, const fs::path& target) {
    fs::create_symlink(target, root_ / path);
  }

  std::shared_ptr<const LocalContext> context(std::vector<std::string> ignore = {}) {
    LocalContextOptions options;
    options.root = root_;
    options.ignore_patterns = std::move(ignore);
    options.pool = &pool_;
    return *LocalContext::open(std::move(options));
  }
  std::string digest(const Selection& selection) {
    Result<Digest> digest = context()->digest(selection, {});
    return digest ? digest->str() : digest.error().message();
  }
  std::vector<std::string> listing(const Selection& selection,
                                   std::vector<std::string> ignore = {}) {
    const auto tree = context(std::move(ignore));
    return paths_of(*tree->tree().list(selection, {}));
  }

  TempDir temp_ = *TempDir::create("/var/tmp", "slipway-tree-");
  fs::path root_ = temp_.path();
  ThreadPool pool_{2};
};

Selection path(std::string name, bool follow = true) {
  Selection selection;
  selection.path = std::move(name);
  selection.follow_links = follow;
  return selection;
}
Selection wildcard(std::string name, bool follow = false) {
  Selection selection = path(std::move(name), follow);
  selection.wildcard = true;
  return selection;
}
Selection including(std::string name, std::vector<std::string> patterns, bool is_wildcard = false) {
  Selection selection = path(std::move(name), false);
  selection.wildcard = is_wildcard;
  selection.include_patterns = std::move(patterns);
  return selection;
}

TEST_F(FileTreeTest, FilesAndDirectoriesHaveBuildKitsDigests) {
  file("foo", "data0");
  file("bar", "data1");
  directory("d0");
  file("d0/abc", "data0");
  symlink("d0/def", "abc");
  symlink("d0/ghi", "nosuchfile");
  EXPECT_EQ(digest(path("foo")), kData0);
  EXPECT_EQ(digest(path("bar")),
            "sha256:c2b5e234f5f38fc5864da7def04782f82501a40d46192e4207d5b3f0c3c4732b");
  EXPECT_EQ(digest(path("d0/abc")), kData0);
  EXPECT_EQ(digest(path("d0/def")), kData0);
  EXPECT_EQ(digest(path("d0")), kD0);
  EXPECT_EQ(digest(path("nosuch")), "\"nosuch\": not found");
  EXPECT_EQ(digest(path("d0/ghi")), "\"d0/ghi\": not found");
}

TEST_F(FileTreeTest, WildcardsHaveBuildKitsDigests) {
  file("bar", "data1");
  file("foo", "data0");
  file("fox", "data2");
  directory("x");
  directory("x/d0");
  file("x/d0/abc", "data0");
  symlink("x/d0/def", "abc");
  symlink("x/d0/ghi", "nosuchfile");
  symlink("y1", "foo");
  symlink("y2", "fox");
  EXPECT_EQ(digest(wildcard("f*o")),
            Digest::sha256_of(std::string(1, '\0') + "foo" + kData0).str());
  EXPECT_EQ(digest(wildcard("f*")),
            "sha256:0b6731924f0a32a812bf8a729202e55e54ded331f9e4ff2397f681e43694e086");
  EXPECT_EQ(digest(wildcard("x/d?")), kD0ByFile);
  EXPECT_EQ(digest(wildcard("x/d?/def", true)), kData0);
  EXPECT_EQ(digest(wildcard("y*", true)),
            "sha256:982153600b9653a1decb0f961e09e2bc1be335cfcaac9b39dbd1120b65fdf92c");
  EXPECT_EQ(digest(wildcard("nothing*")), Digest::sha256_of("").str());
}

TEST_F(FileTreeTest, IncludePatternsHaveBuildKitsDigests) {
  fs::create_directories(root_ / "prefix/a/b/c/foo");
  file("prefix/a/b/c/foo/bar", "abc");
  for (const bool wild : {false, true}) {
    EXPECT_EQ(digest(including("prefix/a", {"**/foo/**", "**/report"}, wild)), kDoubleStar);
    EXPECT_EQ(digest(including("prefix/a", {"**/foo", "**/report"}, wild)), kDoubleStar);
    EXPECT_EQ(digest(including("prefix/a", {"**/none/**"}, wild)), Digest::sha256_of("").str());
  }
}

TEST_F(FileTreeTest, AnExcludedNewFileDoesNotChangeTheDigest) {
  directory("d");
  file("d/a", "1");
  Selection selection = path("d");
  selection.exclude_patterns = {"*.log"};
  const std::string before = digest(selection);
  file("d/x.log", "noise");
  EXPECT_EQ(digest(selection), before);
  file("d/b", "2");
  EXPECT_NE(digest(selection), before);
}

TEST_F(FileTreeTest, SymlinkedParentsOfASelectionAreResolved) {
  fs::create_directories(root_ / "data/d0/d1");
  file("data/d0/d1/foo", "abc");
  directory("mnt");
  symlink("mnt/data", "../data");
  symlink("mnt/abs", "/data");
  symlink("out", "../../../../../../etc");
  const std::string direct = digest(including("data/d0", {"**/foo"}));
  EXPECT_EQ(digest(including("mnt/data/d0", {"**/foo"})), direct);
  EXPECT_EQ(digest(including("mnt/abs/d0", {"**/foo"}, true)), direct);
  EXPECT_EQ(digest(path("out/passwd")), "\"out/passwd\": not found");
}

TEST_F(FileTreeTest, TheTimeOfAFileDoesNotCountButItsModeDoes) {
  file("a", "1");
  const std::string before = digest(path("a"));
  fs::last_write_time(root_ / "a", fs::file_time_type::clock::now() - std::chrono::hours(5));
  EXPECT_EQ(digest(path("a")), before);
  ASSERT_EQ(::chmod((root_ / "a").c_str(), 0600), 0);
  EXPECT_NE(digest(path("a")), before);
}

TEST_F(FileTreeTest, AListingHasParentsFirstAndNamesInByteOrder) {
  directory("a");
  file("a/z", "");
  file("a/b", "");
  file("a.txt", "");
  EXPECT_THAT(listing(path("/")), ElementsAre("/a", "/a/b", "/a/z", "/a.txt"));
  EXPECT_THAT(listing(path("a")), ElementsAre("/a", "/a/b", "/a/z"));
  EXPECT_THAT(listing(path("a/")), ElementsAre("/a/b", "/a/z"));
  EXPECT_THAT(listing(wildcard("a*")), ElementsAre("/a", "/a/b", "/a/z", "/a.txt"));
  EXPECT_THAT(listing(including("/", {"a/z"})), ElementsAre("/a", "/a/z"));
}

TEST_F(FileTreeTest, IgnoredFilesDoNotExist) {
  fs::create_directories(root_ / "logs/old");
  fs::create_directories(root_ / "src");
  file("logs/a", "");
  file("logs/keep", "");
  file("src/x.py", "");
  file("src/x.pyc", "");
  EXPECT_THAT(listing(path("/"), {"logs", "**/*.pyc"}), ElementsAre("/src", "/src/x.py"));
  EXPECT_THAT(listing(path("/"), {"logs", "!logs/keep", "**/*.pyc"}),
              ElementsAre("/logs", "/logs/keep", "/src", "/src/x.py"));
  EXPECT_THAT(listing(path("/"), {"logs", "!logs/none", "src"}), ElementsAre());
  const auto ignoring = context({"logs", "!logs/none"});
  EXPECT_FALSE(*ignoring->tree().find("/logs/a", true));
  EXPECT_FALSE(*ignoring->tree().find("/logs", true));
  EXPECT_TRUE(ignoring->tree().is_ignored("/logs/a"));
  EXPECT_FALSE(ignoring->tree().is_ignored("/src"));
}

TEST_F(FileTreeTest, IgnoredFilesDoNotChangeADirectorysDigest) {
  directory("d");
  file("d/a", "1");
  const std::string before = digest(path("d"));
  file("d/x.log", "noise");
  EXPECT_EQ(context({"**/*.log"})->digest(path("d"), {})->str(), before);
}

TEST_F(FileTreeTest, ARequiredPathThatSelectsNothingIsMissing) {
  directory("d");
  file("d/a", "1");
  Selection selection = including("/", {"d/a", "d/b"});
  selection.required_paths = {"/d/a"};
  EXPECT_TRUE(digest(selection).starts_with("sha256:"));
  selection.required_paths = {"/d/b"};
  EXPECT_EQ(digest(selection), "\"/d/b\": not found");
}

TEST_F(FileTreeTest, MatchesAreGivenWithoutWhatIsBelow) {
  directory("a");
  file("a/x", "");
  directory("b");
  file("b/x", "");
  const auto tree = context();
  EXPECT_THAT(paths_of(*tree->tree().matches(wildcard("*/x"))), ElementsAre("/a/x", "/b/x"));
  EXPECT_TRUE(tree->tree().matches(wildcard("c*"))->empty());
  EXPECT_EQ(tree->tree().matches(wildcard("[a")).error().code(), ErrorCode::InvalidInput);
}

TEST_F(FileTreeTest, UnchangedFilesAreNotReadAgain) {
  file("a", "1");
  const fs::path index = temp_.path().string() + "-index";
  fs::create_directory(index);
  ::usleep(30'000);
  const auto open = [&] {
    LocalContextOptions options;
    options.root = root_;
    options.index_directory = index;
    return *LocalContext::open(std::move(options));
  };
  const Digest before = *open()->digest(path("a"), {});
  const fs::path index_file = fs::directory_iterator(index)->path();
  EXPECT_GT(fs::file_size(index_file), 64);
  const auto written = fs::last_write_time(index_file);
  EXPECT_EQ(*open()->digest(path("a"), {}), before);
  EXPECT_EQ(fs::last_write_time(index_file), written);
  file("a", "2");
  EXPECT_NE(*open()->digest(path("a"), {}), before);
  fs::remove_all(index);
}

}  // namespace
}  // namespace slipway::source
