// File operations on skeletons: the same layer comes out as on the files themselves.
#include "ops/skeleton_input.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file_io.h"
#include "base/temp_dir.h"
#include "layer/diff.h"
#include "layer/skeleton.h"
#include "ops/file_run.h"
#include "store/store.h"

namespace slipway::ops {
namespace {

namespace fs = std::filesystem;

using graph::FileAction;
using graph::FileCopy;
using graph::FileMkdir;
using graph::FileOp;
using graph::FileRm;
using graph::kNone;

FileCopy copy(std::string src, std::string dest) {
  FileCopy copy;
  copy.src = std::move(src);
  copy.dest = std::move(dest);
  copy.dir_copy_contents = copy.create_dest_path = true;
  return copy;
}

FileOp copying(std::string src, std::string dest) {
  return {{{0, 1, 0, copy(std::move(src), std::move(dest))}}};
}

TEST(InputBySkeleton, IsWhatAChainOfActionsStandsOn) {
  EXPECT_EQ(input_by_skeleton(copying("/a", "/b"), 2), 0u);
  const FileOp chain{{{1, kNone, kNone, FileMkdir{"/x"}}, {2, 0, 0, copy("/a", "/b")}}};
  EXPECT_EQ(input_by_skeleton(chain, 2), 1u);
}

TEST(InputBySkeleton, IsNoneWhereFilesAreRead) {
  FileOp from_itself = copying("/a", "/b");
  from_itself.actions[0].secondary_input = 0;
  EXPECT_EQ(input_by_skeleton(from_itself, 2), std::nullopt);
  const FileOp from_a_result{{{0, kNone, kNone, FileMkdir{"/x"}}, {2, 2, 0, copy("/a", "/b")}}};
  EXPECT_EQ(input_by_skeleton(from_a_result, 2), std::nullopt);
  FileOp archive = copying("/a", "/b");
  std::get<FileCopy>(archive.actions[0].action).attempt_unpack = true;
  EXPECT_EQ(input_by_skeleton(archive, 2), std::nullopt);
  const FileOp from_scratch{{{kNone, 0, 0, copy("/a", "/b")}}};
  EXPECT_EQ(input_by_skeleton(from_scratch, 1), std::nullopt);
  const FileOp two{{{0, 1, 0, copy("/a", "/b")}, {0, 1, 1, copy("/a", "/c")}}};
  EXPECT_EQ(input_by_skeleton(two, 2), std::nullopt);
}

class SkeletonRunTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    store_ = *store::Store::open({temp_->path() / "store", false, {}});
  }

  // A snapshot whose own layer `fill` writes.
  template <typename Fill>
  store::SnapshotId snapshot(store::SnapshotId parent, Fill fill) {
    const auto active = *store_->snapshotter().prepare(parent);
    fill(active->layers().upper);
    const auto id = active->commit();
    EXPECT_TRUE(id);
    pins_.push_back(*store_->snapshotter().pin(*id));
    return *id;
  }
  static void put(const fs::path& path, std::string_view text) {
    fs::create_directories(path.parent_path());
    ASSERT_TRUE(write_file_atomic(path, text));
  }
  static void set_time(const fs::path& path) {
    const timespec times[2] = {{1'000'000'000, 0}, {1'000'000'000, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  }

  // Two layers with what can decide about a copy.
  store::SnapshotId base() {
    const store::SnapshotId lower = snapshot({}, [](const fs::path& root) {
      put(root / "etc/passwd", "app:x:1000:2000::/:/bin/sh\n");
      put(root / "srv/app/old", "old");
      put(root / "gone/file", "");
      fs::create_directory_symlink("srv/app", root / "app");
      ASSERT_EQ(::chown((root / "srv/app").c_str(), 5, 6), 0);
      ASSERT_EQ(::chmod((root / "srv/app").c_str(), 0750), 0);
      ASSERT_EQ(::chmod(root.c_str(), 0711), 0);
      for (const char* path : {"srv/app", "srv", "gone"}) set_time(root / path);
    });
    return snapshot(lower, [](const fs::path& root) {
      ASSERT_EQ(::mknod((root / "gone").c_str(), S_IFCHR, 0), 0);
      fs::create_directories(root / "srv/app/deep");
      ASSERT_EQ(::chown((root / "srv/app").c_str(), 7, 8), 0);
      for (const char* path : {"srv/app/deep", "srv/app", "srv"}) set_time(root / path);
    });
  }
  store::SnapshotId source() {
    return snapshot({}, [](const fs::path& root) {
      put(root / "files/new", "new");
      put(root / "files/old", "newer");
      for (const char* path : {"files/new", "files/old", "files"}) set_time(root / path);
    });
  }

  std::shared_ptr<const SkeletonStack> skeleton(store::SnapshotId id) {
    auto stack = std::make_shared<SkeletonStack>();
    const auto chain = *store_->snapshotter().chain(id);
    for (const store::SnapshotInfo& layer : chain) {
      const fs::path directory = temp_->path() / ("skeleton" + std::to_string(layer.id.value));
      fs::create_directory(directory);
      struct stat info{};
      EXPECT_EQ(::stat(layer.directory.c_str(), &info), 0);
      EXPECT_EQ(::chmod(directory.c_str(), info.st_mode & 07777), 0);
      const std::string bytes = **layer::skeleton_of_directory(layer.directory, {}, {});
      const auto applied = layer::apply_layer(
          [bytes, done = false]() mutable -> Result<std::string_view> {
            return std::exchange(done, true) ? std::string_view() : std::string_view(bytes);
          },
          directory, {.skeleton = true}, {});
      EXPECT_TRUE(applied) << applied.error().message();
      stack->layers.push_back(directory);
    }
    return stack;
  }

  // The diff ID of what the operation puts on top of its input 0.
  Result<Digest> layer_of(const FileOp& op, const FileInput& on) {
    FileInput from;
    from.snapshot = source();
    const auto outputs = TRY(run_file_op(op, {on, from}, {*store_, pool_, false}, {}));
    const store::SnapshotId id = outputs.at(0).snapshot;
    const bool on_scratch = store_->snapshotter().info(id)->parent.is_scratch();
    EXPECT_EQ(on_scratch, on.skeleton != nullptr);
    layer::WriteOptions options;
    options.clamp_mtime = 1'000'000'001;  // what is touched now is of the same time
    return *TRY(layer::layer_diff_id(store_->snapshotter().directory(id), options, {}));
  }

  void expect_the_same(const FileOp& op) {
    FileInput whole;
    whole.snapshot = base();
    FileInput skeletond;
    skeletond.skeleton = skeleton(whole.snapshot);
    const auto expected = layer_of(op, whole);
    const auto got = layer_of(op, skeletond);
    ASSERT_TRUE(expected) << expected.error().message();
    ASSERT_TRUE(got) << got.error().message();
    EXPECT_EQ(*got, *expected);
  }

  Result<TempDir> temp_ = TempDir::create("/var/tmp", "slipway-skeleton-run-");
  ThreadPool pool_{2};
  std::unique_ptr<store::Store> store_;
  std::vector<std::shared_ptr<const void>> pins_;
};

TEST_F(SkeletonRunTest, CopiesMakeTheSameLayer) {
  for (const char* to : {"/app/", "/srv/app/deep", "/fresh/dir/", "/gone/", "/"}) {
    SCOPED_TRACE(to);
    FileOp op = copying("/files", to);
    std::get<FileCopy>(op.actions[0].action).timestamp = 1'000'000'000'000'000'000;
    expect_the_same(op);
  }
}

TEST_F(SkeletonRunTest, OwnersByNameAreThoseOfTheImage) {
  FileOp op = copying("/files", "/fresh");
  auto& action = std::get<FileCopy>(op.actions[0].action);
  action.timestamp = 0;
  action.owner = graph::ChownOpt{graph::UserOpt{graph::UserOpt::Name{"app", 0}}, {}};
  expect_the_same(op);
}

TEST_F(SkeletonRunTest, RemovingHidesWhatIsBelow) {
  expect_the_same({{{0, kNone, 0, FileRm{"/etc/passwd"}}}});
}

TEST_F(SkeletonRunTest, WhatAnSkeletonDoesNotHaveIsAnError) {
  FileInput skeletond;
  const store::SnapshotId bare = snapshot({}, [](const fs::path& root) {
    put(root / "usr/etc/passwd", "app:x:1000:2000::/:/bin/sh\n");
    fs::create_directory_symlink("usr/etc", root / "etc");
  });
  skeletond.skeleton = skeleton(bare);
  FileOp op = copying("/files", "/fresh");
  std::get<FileCopy>(op.actions[0].action).owner =
      graph::ChownOpt{graph::UserOpt{graph::UserOpt::Name{"app", 0}}, {}};
  EXPECT_FALSE(layer_of(op, skeletond));
}

}  // namespace
}  // namespace slipway::ops
