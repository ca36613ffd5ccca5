// Whole file operations on a real store, and their cache keys.
#include "ops/file_run.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file_io.h"
#include "base/mount.h"
#include "base/temp_dir.h"
#include "base/test_links.h"
#include "ops/copy_links.h"
#include "ops/file_keys.h"
#include "ops/link_claims.h"
#include "ops/link_tree.h"
#include "source/file_tree.h"
#include "store/prune.h"
#include "store/store.h"

namespace slipway::ops {
namespace {

namespace fs = std::filesystem;

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
    return run_file_op(op, inputs, {*store_, pool_, false}, {});
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

// COPY of a context, again and again, as FileRunner does it.
class LinkedCopyTest : public FileRunTest {
 protected:
  void SetUp() override {
    FileRunTest::SetUp();
    fs::create_directories(context_path_);
  }
  void put(const std::string& name, std::string_view text) {
    fs::create_directories((context_path_ / name).parent_path());
    ASSERT_TRUE(write_file_atomic(context_path_ / name, text));
    set_time(name, 1'000);
  }
  void set_time(const std::string& name, time_t seconds) {
    const timespec times[2] = {{seconds, 0}, {seconds, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, (context_path_ / name).c_str(), times, 0), 0);
  }

  // Copies the context to /d; returns the layer of the result.
  fs::path copy(const FileCopy& action = to_d()) {
    // A tree of its own each time: what was read once is believed.
    std::this_thread::sleep_for(kSettled);
    trees_.push_back(*source::FileTree::open(context_path_, {.normalize_owner = true}));
    EXPECT_TRUE(trees_.back()->digest({}, {}));
    links_ =
        earlier_.empty() ? std::make_unique<CopyLinks>() : *CopyLinks::open(earlier_id_, earlier_);
    const FileOp op{{FileAction{kNone, 0, 0, action}}};
    EXPECT_TRUE(copies_only(op));
    const auto outputs =
        run_file_op(op, {FileInput{{}, trees_.back()}}, {*store_, pool_, false, links_.get()}, {});
    if (!outputs) {
      ADD_FAILURE() << outputs.error().message();
      return {};
    }
    pins_.push_back(outputs->front().pin);
    earlier_id_ = outputs->front().snapshot;
    earlier_ = store_->snapshotter().directory(earlier_id_);
    return earlier_;
  }
  static FileCopy to_d() {
    FileCopy copy;
    copy.src = "/";
    copy.dest = "/d";
    copy.dir_copy_contents = copy.create_dest_path = true;
    return copy;
  }
  static struct stat stat_of(const fs::path& path) {
    struct stat info{};
    EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
    return info;
  }
  static bool same_inode(const fs::path& a, const fs::path& b) {
    return stat_of(a).st_ino == stat_of(b).st_ino;
  }

  // So long after a change its digest is to be trusted.
  static constexpr std::chrono::milliseconds kSettled{30};
  const fs::path context_path_ = temp_->path() / "context";
  std::vector<std::shared_ptr<source::FileTree>> trees_;
  std::vector<std::shared_ptr<const void>> pins_;
  std::unique_ptr<CopyLinks> links_;
  store::SnapshotId earlier_id_;
  fs::path earlier_;
};

TEST_F(LinkedCopyTest, AnUnchangedFileIsALinkAndAChangedOneIsNot) {
  put("same", "1");
  put("deep/down/same", "2");
  put("edited", "3");
  const fs::path first = copy();
  put("edited", "4");
  const fs::path second = copy();
  EXPECT_TRUE(same_inode(first / "d/same", second / "d/same"));
  EXPECT_TRUE(same_inode(first / "d/deep/down/same", second / "d/deep/down/same"));
  EXPECT_FALSE(same_inode(first / "d/edited", second / "d/edited"));
  EXPECT_EQ(*read_file(first / "d/edited") + *read_file(second / "d/edited"), "34");
  // What was linked can be linked to in its turn.
  const fs::path third = copy();
  EXPECT_TRUE(same_inode(first / "d/same", third / "d/same"));
  EXPECT_TRUE(same_inode(second / "d/edited", third / "d/edited"));
}

TEST_F(LinkedCopyTest, AnAttributeMoreOrLessIsAnotherFile) {
  for (const char* name : {"time", "mode", "kept"}) put(name, name);
  const fs::path first = copy();
  set_time("time", 2'000);
  ASSERT_EQ(::chmod((context_path_ / "mode").c_str(), 0755), 0);
  const fs::path second = copy();
  EXPECT_FALSE(same_inode(first / "d/time", second / "d/time"));
  EXPECT_FALSE(same_inode(first / "d/mode", second / "d/mode"));
  EXPECT_TRUE(same_inode(first / "d/kept", second / "d/kept"));
  EXPECT_EQ(stat_of(first / "d/time").st_mtim.tv_sec, 1'000);
  EXPECT_EQ(stat_of(first / "d/mode").st_mode & 07777, 0644u);

  FileCopy owned = to_d();
  owned.owner = graph::ChownOpt{graph::UserOpt{uint32_t{12}}, graph::UserOpt{uint32_t{34}}};
  const fs::path third = copy(owned);
  EXPECT_EQ(stat_of(third / "d/kept").st_uid, 12u);
  EXPECT_EQ(stat_of(first / "d/kept").st_uid, 0u);
}

TEST_F(LinkedCopyTest, TheSameTimesDoNotHideOtherContent) {
  put("f", "one");
  const fs::path first = copy();
  put("f", "two");
  const fs::path second = copy();
  EXPECT_EQ(*read_file(first / "d/f"), "one");
  EXPECT_EQ(*read_file(second / "d/f"), "two");
}

TEST_F(LinkedCopyTest, LinksOfTheContextStayLinksAndOthersDoNotBecomeSome) {
  put("a", "1");
  fs::create_hard_link(context_path_ / "a", context_path_ / "b");
  put("c", "1");
  const fs::path first = copy();
  EXPECT_TRUE(same_inode(first / "d/a", first / "d/b"));
  EXPECT_FALSE(same_inode(first / "d/a", first / "d/c"));
  fs::remove(context_path_ / "b");
  put("b", "1");
  const fs::path second = copy();
  EXPECT_FALSE(same_inode(second / "d/a", second / "d/b"));
  EXPECT_EQ(*read_file(second / "d/b"), "1");
}

TEST_F(LinkedCopyTest, ASymlinkInTheEarlierLayerLeadsNowhere) {
  put("x/f", "1");
  fs::create_directory_symlink("x", context_path_ / "y");
  const fs::path first = copy();
  fs::remove(context_path_ / "y");
  put("y/f", "1");
  const fs::path second = copy();
  EXPECT_FALSE(same_inode(second / "d/x/f", second / "d/y/f"));
  EXPECT_FALSE(same_inode(first / "d/x/f", second / "d/y/f"));
}

TEST_F(LinkedCopyTest, ALaterWriteLeavesEarlierSnapshotsAlone) {
  put("f", "before");
  const fs::path first = copy();
  const fs::path second = copy();
  ASSERT_TRUE(same_inode(first / "d/f", second / "d/f"));
  // A step on top of the second one writes in place.
  const std::unique_ptr<store::ActiveSnapshot> step =
      *store_->snapshotter().prepare({std::stoll(second.parent_path().filename().string())});
  const fs::path mount_point = temp_->path() / "mount";
  fs::create_directories(mount_point);
  {
    const Mount mount = *store_->snapshotter().mount(step->layers(), mount_point);
    const UniqueFd file = *open_file(mount_point / "d/f", O_WRONLY);
    ASSERT_TRUE(write_all(file.get(), "AFTER!"));
    ASSERT_EQ(::fchmod(file.get(), 0600), 0);
  }
  EXPECT_EQ(*read_file(first / "d/f"), "before");
  EXPECT_EQ(*read_file(second / "d/f"), "before");
  EXPECT_EQ(stat_of(first / "d/f").st_mode & 07777, 0644u);
}

TEST_F(LinkedCopyTest, AFileThatMayStillChangeUnseenIsNotTrusted) {
  put("f", "one");
  source::FileTree& tree = **trees_.insert(
      trees_.end(), *source::FileTree::open(context_path_, {.normalize_owner = true}));
  ASSERT_TRUE(tree.digest({}, {}));
  ASSERT_EQ(tree.directory("")->size(), 1u);
  EXPECT_FALSE(tree.directory("")->front().digest);
  std::this_thread::sleep_for(kSettled);
  const auto later = *source::FileTree::open(context_path_, {.normalize_owner = true});
  EXPECT_FALSE(later->directory("")->front().digest);
  ASSERT_TRUE(later->digest({}, {}));
  EXPECT_TRUE(later->directory("")->front().digest);
}

// COPY --from: the files of a snapshot in another one.
class SnapshotCopyTest : public LinkedCopyTest {
 protected:
  // A file system that has these files.
  FileOutput stage(const std::vector<std::string>& names) {
    FileOp op;
    for (const std::string& name : names) {
      const auto at = static_cast<int64_t>(op.actions.size());
      op.actions.push_back(mkfile(at == 0 ? kNone : at - 1, kNone, "/" + name, name));
    }
    op.actions.back().output = 0;
    return run(op, {})->front();
  }
  Result<FileOutput> copy_from(const FileOutput& source, store::SnapshotId onto, std::string src,
                               std::string dest, FileCopy copy = {}) {
    copy.src = std::move(src);
    copy.dest = std::move(dest);
    copy.create_dest_path = copy.dir_copy_contents = true;
    std::vector<FileOutput> outputs =
        TRY(run(FileOp{{FileAction{0, 1, 0, copy}}},
                {FileInput{onto, {}}, FileInput{source.snapshot, {}}}));
    return outputs.front();
  }
  fs::path layer(const FileOutput& output) {
    return store_->snapshotter().directory(output.snapshot);
  }
};

TEST_F(SnapshotCopyTest, AFileOfAStageIsALinkWhereNothingDiffers) {
  const FileOutput from = stage({"a", "b"});
  const FileOutput to = *copy_from(from, {}, "/a", "/x/y");
  EXPECT_TRUE(same_inode(layer(from) / "a", layer(to) / "x/y"));
  FileCopy owned;
  owned.owner = graph::ChownOpt{graph::UserOpt{uint32_t{12}}, graph::UserOpt{uint32_t{34}}};
  const FileOutput other = *copy_from(from, {}, "/b", "/b", owned);
  EXPECT_FALSE(same_inode(layer(from) / "b", layer(other) / "b"));
  EXPECT_EQ(stat_of(layer(from) / "b").st_uid, 0u);
  FileCopy mode;
  mode.mode_str = "0600";
  const FileOutput strict = *copy_from(from, {}, "/b", "/b", mode);
  EXPECT_EQ(stat_of(layer(from) / "b").st_mode & 07777, 0644u);
  EXPECT_EQ(stat_of(layer(strict) / "b").st_mode & 07777, 0600u);
  FileCopy time;
  time.timestamp = 7'000'000'000;
  const FileOutput old = *copy_from(from, {}, "/b", "/b", time);
  EXPECT_EQ(stat_of(layer(old) / "b").st_mtim.tv_sec, 7);
  EXPECT_NE(stat_of(layer(from) / "b").st_mtim.tv_sec, 7);
}

TEST_F(SnapshotCopyTest, AttributesThatCopiesDoNotGetMakeItACopy) {
  const FileOutput from = stage({"plain", "odd", "user"});
  ASSERT_EQ(::setxattr((layer(from) / "odd").c_str(), "trusted.x", "1", 1, 0), 0);
  ASSERT_EQ(::setxattr((layer(from) / "user").c_str(), "user.x", "1", 1, 0), 0);
  const FileOutput to = *copy_from(from, {}, "/", "/");
  EXPECT_TRUE(same_inode(layer(from) / "plain", layer(to) / "plain"));
  EXPECT_TRUE(same_inode(layer(from) / "user", layer(to) / "user"));
  EXPECT_FALSE(same_inode(layer(from) / "odd", layer(to) / "odd"));
  EXPECT_LT(::getxattr((layer(to) / "odd").c_str(), "trusted.x", nullptr, 0), 0);
}

TEST_F(SnapshotCopyTest, NoStackHasOneFileUnderTwoNames) {
  const FileOutput from = stage({"a", "b"});
  // On itself, and a second time beside a first copy, once removed.
  const FileOutput on_itself = *copy_from(from, from.snapshot, "/a", "/copy");
  EXPECT_FALSE(same_inode(layer(from) / "a", layer(on_itself) / "copy"));
  const FileOutput first = *copy_from(from, {}, "/a", "/first");
  ASSERT_TRUE(same_inode(layer(from) / "a", layer(first) / "first"));
  const FileOutput second = *copy_from(from, first.snapshot, "/a", "/second");
  EXPECT_FALSE(same_inode(layer(first) / "first", layer(second) / "second"));
  EXPECT_EQ(*read_file(layer(second) / "second"), "a");
  // Another file of the same stage is fine there.
  const FileOutput third = *copy_from(from, second.snapshot, "/b", "/third");
  EXPECT_TRUE(same_inode(layer(from) / "b", layer(third) / "third"));
  // And through a link of a link.
  const FileOutput again = *copy_from(first, {}, "/first", "/again");
  ASSERT_TRUE(same_inode(layer(from) / "a", layer(again) / "again"));
  const FileOutput fourth = *copy_from(again, third.snapshot, "/again", "/fourth");
  EXPECT_FALSE(same_inode(layer(first) / "first", layer(fourth) / "fourth"));
}

TEST_F(SnapshotCopyTest, OneFileCopiedTwiceInAnOperationIsTwo) {
  const FileOutput from = stage({"a"});
  FileCopy one, two;
  one.src = two.src = "/a";
  one.dest = "/one";
  two.dest = "/two";
  const FileOutput to = run(FileOp{{FileAction{kNone, 0, kNone, one}, FileAction{1, 0, 0, two}}},
                            {FileInput{from.snapshot, {}}})
                            ->front();
  EXPECT_FALSE(same_inode(layer(to) / "one", layer(to) / "two"));
  EXPECT_EQ(*read_file(layer(to) / "one") + *read_file(layer(to) / "two"), "aa");
}

TEST_F(SnapshotCopyTest, LinksInAStageStayLinks) {
  const FileOutput from = stage({"a"});
  fs::create_hard_link(layer(from) / "a", layer(from) / "b");
  const FileOutput to = *copy_from(from, {}, "/", "/d");
  EXPECT_TRUE(same_inode(layer(to) / "d/a", layer(to) / "d/b"));
  EXPECT_TRUE(same_inode(layer(from) / "a", layer(to) / "d/a"));
}

TEST_F(SnapshotCopyTest, TheFilesOutliveThePrunedStage) {
  FileOutput from = stage({"a"});
  const FileOutput to = *copy_from(from, {}, "/a", "/a");
  const store::SnapshotId gone = from.snapshot;
  from.pin.reset();
  ASSERT_TRUE(store::prune(*store_, {}, {}));
  EXPECT_FALSE(store_->snapshotter().try_pin(gone)->has_value());
  EXPECT_EQ(*read_file(layer(to) / "a"), "a");
}

TEST_F(SnapshotCopyTest, MergingLayersMakesNoFileTwo) {
  const FileOutput from = stage({"a"});
  fs::create_hard_link(layer(from) / "a", layer(from) / "b");
  const FileOutput first = *copy_from(from, {}, "/", "/first");
  const auto active = *store_->snapshotter().prepare(first.snapshot);
  LinkClaims claims(*store_, first.snapshot);
  ASSERT_TRUE(link_tree(layer(from), active->layers().upper, [&](const struct stat& file) {
    return claims.claim(from.snapshot, file);
  }));
  const fs::path merged = active->layers().upper;
  EXPECT_FALSE(same_inode(merged / "a", layer(first) / "first/a"));
  EXPECT_TRUE(same_inode(merged / "a", merged / "b"));
  EXPECT_EQ(*read_file(merged / "a"), "a");
  EXPECT_EQ(stat_of(merged / "a").st_mtim.tv_nsec, stat_of(layer(from) / "a").st_mtim.tv_nsec);
}

TEST_F(SnapshotCopyTest, AFileWithAsManyLinksAsItCanHaveIsCopied) {
  const FileOutput from = stage({"a"});
  fs::create_hard_link(layer(from) / "a", layer(from) / "b");
  const fs::path links = temp_->path() / "links";
  if (!link_to_the_limit(layer(from) / "a", links)) GTEST_SKIP() << "no limit here";
  fs::remove(links / "0");  // for the first of the two
  const FileOutput to = *copy_from(from, {}, "/", "/d");
  EXPECT_EQ(*read_file(layer(to) / "d/a") + *read_file(layer(to) / "d/b"), "aa");
  fs::remove(links / "1");
  const auto active = *store_->snapshotter().prepare({});
  const fs::path merged = active->layers().upper;
  ASSERT_TRUE(link_tree(layer(from), merged, [](const struct stat&) { return true; }));
  EXPECT_EQ(*read_file(merged / "a") + *read_file(merged / "b"), "aa");
}

TEST_F(LinkedCopyTest, OtherActionsAreNoPlainCopies) {
  FileCopy unpack = to_d();
  unpack.attempt_unpack = true;
  EXPECT_FALSE(copies_only({{FileAction{kNone, 0, 0, unpack}}}));
  EXPECT_FALSE(copies_only({{mkfile(kNone, 0, "/a", "1")}}));
  EXPECT_FALSE(copies_only({{FileAction{kNone, 0, 0, to_d()}, FileAction{0, 0, 1, to_d()}}}));
}

}  // namespace
}  // namespace slipway::ops
