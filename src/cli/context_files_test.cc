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

}  // namespace
}  // namespace slipway::cli
