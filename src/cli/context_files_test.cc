#include "cli/context_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file_io.h"
#include "base/temp_dir.h"

namespace slipway::cli {
namespace {

class DirectoryFilesTest : public testing::Test {
 protected:
  void write(const std::string& name, size_t bytes) {
    ASSERT_TRUE(make_directories((root_.path() / name).parent_path()));
    ASSERT_TRUE(write_file_atomic(root_.path() / name, std::string(bytes, 'x')));
  }
  TempDir root_ = *TempDir::create(testing::TempDir(), "context-files");
};

TEST_F(DirectoryFilesTest, CountsWhatTheIgnoreFileLetsThrough) {
  write("src/a", 10);
  write("src/b.log", 100);
  write(".env", 1000);
  auto files = *DirectoryFiles::create(root_.path(), {"**/*.log"});
  EXPECT_EQ(files.bytes("."), 1010u);
  EXPECT_EQ(files.bytes("src"), 10u);
  EXPECT_EQ(files.bytes(".env"), 1000u);
  EXPECT_TRUE(files.is_file(".env"));
  EXPECT_FALSE(files.is_file("src/b.log"));
  EXPECT_TRUE(files.is_directory("src"));
}

TEST_F(DirectoryFilesTest, FindsTheOutermostByProducts) {
  write("web/node_modules/x/node_modules/y/a", 5);
  write(".git/objects/a", 7);
  write(".venv/a", 9);
  auto files = *DirectoryFiles::create(root_.path(), {".venv"});
  const auto found = files.by_products();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].path, ".git");
  EXPECT_EQ(found[1].path, "web/node_modules");
  EXPECT_EQ(found[1].bytes, 5u);
}

TEST_F(DirectoryFilesTest, KnowsLargeThingsThatGitIgnores) {
  write("project/models/voice.bin", 2'000'000);
  write("project/data/a.csv", 1'500'000);
  write("project/data/small.csv", 5);
  write("project/src/a", 2'000'000);
  write("project/node_modules/b.csv", 2'000'000);
  ASSERT_TRUE(make_directories(root_.path() / ".git"));
  ASSERT_TRUE(write_file_atomic(root_.path() / ".gitignore", "/project/models/\n/src\n"));
  ASSERT_TRUE(write_file_atomic(root_.path() / "project/.gitignore", "# data\n*.csv\n"));
  auto files = *DirectoryFiles::create(root_.path() / "project", {});
  std::vector<std::string> paths;
  for (const auto& each : files.left_out_of_git()) paths.push_back(each.path);
  EXPECT_THAT(paths, testing::ElementsAre("data/a.csv", "models"));
}

TEST_F(DirectoryFilesTest, ReadsWhatTheIgnoreFileLetsThrough) {
  write("a", 10);
  write("b/c", 10);
  auto files = *DirectoryFiles::create(root_.path(), {"b"});
  EXPECT_EQ(files.read("a", 4), "xxxx");
  EXPECT_EQ(files.read("a", 40)->size(), 10u);
  EXPECT_EQ(files.read("b/c", 4), std::nullopt);
  EXPECT_FALSE(files.is_directory("b"));
}

}  // namespace
}  // namespace slipway::cli
