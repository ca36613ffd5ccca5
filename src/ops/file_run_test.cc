// Whole file operations on a real store, and their cache keys.
#include "ops/file_run.h"

#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file_io.h"
#include "base/temp_dir.h"
#include "ops/file_keys.h"
#include "source/file_tree.h"
#include "store/store.h"

namespace slipway::ops {
namespace {

using graph::FileAction;
using graph::FileCopy;
using graph::FileMkfile;
using graph::FileOp;
using graph::kNone;

class FileRunTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    store_ = *store::Store::open({temp_->path() / "store", false, {}});
  }

  Result<std::vector<FileOutput>> run(const FileOp& op, const std::vector<FileInput>& inputs) {
    return run_file_op(op, inputs, {store_->snapshotter(), pool_, false}, {});
  }
  std::string read(const FileOutput& output, const std::string& path) {
    const auto chain = *store_->snapshotter().chain(output.snapshot);
    for (const store::SnapshotInfo& layer : chain) {
      const Result<std::string> text = read_file(layer.directory / path);
      if (text) return *text;
    }
    return "(missing)";
  }
  static FileAction mkfile(int64_t input, int64_t output, std::string path, std::string data) {
    return {input, kNone, output, FileMkfile{std::move(path), 0644, std::move(data), {}, -1}};
  }

  Result<TempDir> temp_ = TempDir::create("/var/tmp", "slipway-file-run-");
  ThreadPool pool_{2};
  std::unique_ptr<store::Store> store_;
};

TEST_F(FileRunTest, ActionsThatContinueOneAnotherMakeOneLayer) {
  const FileOp op{
      {mkfile(kNone, kNone, "/a", "1"), mkfile(0, kNone, "/b", "2"), mkfile(1, 0, "/c", "3")}};
  const auto outputs = run(op, {});
  ASSERT_TRUE(outputs) << outputs.error().message();
  ASSERT_EQ(outputs->size(), 1u);
  EXPECT_EQ(store_->snapshotter().chain((*outputs)[0].snapshot)->size(), 1u);
  EXPECT_EQ(read((*outputs)[0], "a") + read((*outputs)[0], "b") + read((*outputs)[0], "c"), "123");
}

TEST_F(FileRunTest, AStateThatTwoActionsUseIsKept) {
  FileCopy copy;
  copy.src = "/a";
  copy.dest = "/copied";
  const FileOp op{
      {mkfile(kNone, 0, "/a", "1"), mkfile(0, 1, "/b", "2"), FileAction{1, 0, 2, copy}}};
  const auto outputs = run(op, {});
  ASSERT_TRUE(outputs) << outputs.error().message();
  ASSERT_EQ(outputs->size(), 3u);
  EXPECT_EQ(read((*outputs)[0], "b"), "(missing)");
  EXPECT_EQ(read((*outputs)[1], "b"), "2");
  EXPECT_EQ(read((*outputs)[2], "copied"), "1");
}

TEST_F(FileRunTest, OwnersAreLookedUpInTheStateThatIsChanged) {
  FileMkfile file{"/f", 0644, "", {}, -1};
  file.owner = graph::ChownOpt{graph::UserOpt{graph::UserOpt::Name{"app", 1}}, {}};
  const FileOp op{{FileAction{kNone, kNone, kNone, graph::FileMkdir{"/etc", 0755, false, {}, -1}},
                   mkfile(0, kNone, "/etc/passwd", "app:x:12:34::/:\n"),
                   FileAction{1, kNone, 0, file}}};
  const auto outputs = run(op, {});
  ASSERT_TRUE(outputs) << outputs.error().message();
  struct stat info;
  const auto directory = store_->snapshotter().info((*outputs)[0].snapshot)->directory;
  ASSERT_EQ(::lstat((directory / "f").c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, 12u);
  EXPECT_EQ(info.st_gid, 34u);
}

TEST_F(FileRunTest, CopiesFromAContextWithoutWhatItIgnores) {
  const auto context = temp_->path() / "context";
  std::filesystem::create_directories(context / "src/deep");
  for (const char* path : {"src/a", "src/b.log", "src/deep/c"}) {
    ASSERT_TRUE(write_file_atomic(context / path, path));
  }
  source::FileTreeOptions options;
  options.ignore_patterns = {"**/*.log"};
  options.normalize_owner = true;
  std::shared_ptr<source::FileTree> tree = *source::FileTree::open(context, options);
  FileCopy copy;
  copy.src = "/src";
  copy.dest = "/app";
  copy.create_dest_path = copy.dir_copy_contents = true;
  const auto outputs = run(FileOp{{FileAction{kNone, 0, 0, copy}}}, {{{}, tree}});
  ASSERT_TRUE(outputs) << outputs.error().message();
  EXPECT_EQ(read((*outputs)[0], "app/a"), "src/a");
  EXPECT_EQ(read((*outputs)[0], "app/deep/c"), "src/deep/c");
  EXPECT_EQ(read((*outputs)[0], "app/b.log"), "(missing)");
}

TEST_F(FileRunTest, RefusesGraphsThatDoNotHoldTogether) {
  EXPECT_FALSE(run(FileOp{{mkfile(0, 0, "/a", "")}}, {}));          // its own result
  EXPECT_FALSE(run(FileOp{{mkfile(kNone, kNone, "/a", "")}}, {}));  // no output
  EXPECT_FALSE(run(FileOp{{mkfile(kNone, 1, "/a", "")}}, {}));      // output 0 is missing
}

TEST(FileKeys, SelectorsNameWhatIsReadOfAnInput) {
  FileCopy copy;
  copy.src = "/src/*.py";
  copy.dest = "/app/";
  copy.allow_wildcard = true;
  copy.owner = graph::ChownOpt{graph::UserOpt{graph::UserOpt::Name{"app", 2}}, {}};
  const FileOp op{{FileAction{0, 1, 0, copy}}};
  const auto selectors = file_selectors(op, 3);
  EXPECT_FALSE(selectors.contains(0));  // all of the state that is changed counts
  EXPECT_EQ(selectors.at(1)[0].path, "/src/*.py");
  EXPECT_TRUE(selectors.at(1)[0].wildcard);
  EXPECT_EQ(selectors.at(2)[0].path, "/etc/passwd");

  const solver::CacheMap map = *file_cache_map(op, 3);
  EXPECT_FALSE(map.inputs[0].by_content);
  EXPECT_TRUE(map.inputs[1].by_content);
  EXPECT_EQ(map.inputs[1].selector, Digest::sha256_of("/src/*.py"));
}

TEST(FileKeys, OnlyTheLastNameOfTheSourceIsPartOfTheKey) {
  const auto digest = [](std::string src, std::string dest) {
    FileCopy copy;
    copy.src = std::move(src);
    copy.dest = std::move(dest);
    return file_cache_map(FileOp{{FileAction{0, 1, 0, copy}}}, 2)->digest;
  };
  EXPECT_EQ(digest("/a/file", "/x"), digest("/b/file", "/x"));
  EXPECT_NE(digest("/a/file", "/x"), digest("/a/other", "/x"));
  EXPECT_NE(digest("/a/file", "/x"), digest("/a/file", "/y"));
}

TEST(FileKeys, CoveredPathsAreLeftOut) {
  const auto kept = without_covered(
      {{.path = "/a/b"}, {.path = "/a"}, {.path = "/ab"}, {.path = "/a/*", .wildcard = true}});
  std::vector<std::string> paths;
  for (const FileSelector& selector : kept) paths.push_back(selector.path);
  EXPECT_THAT(paths, testing::ElementsAre("/a", "/a/*", "/ab"));
}

}  // namespace
}  // namespace slipway::ops
