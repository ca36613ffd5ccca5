#include "exporter/layer_blobs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "base/file_io.h"
#include "base/temp_dir.h"
#include "base/unique_fd.h"

namespace slipway::exporter {
namespace {

namespace fs = std::filesystem;

constexpr size_t kPartBytes = 20 << 20;

class LayerBlobsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: overlay snapshots";
    store_ = *store::Store::open({temp_->path() / "store", false, {}});
  }

  // A snapshot with a file that is a part of its own, made by `place`, and one that differs each
  // time.
  template <typename Place>
  store::SnapshotId snapshot(Place place) {
    auto active = *store_->snapshotter().prepare({});
    const fs::path file = active->layers().upper / "venv/torch/torch.so";
    fs::create_directories(file.parent_path());
    place(file);
    EXPECT_TRUE(write_file_atomic(active->layers().upper / "number", std::to_string(++snapshots_)));
    const store::SnapshotId id = *active->commit();
    pins_.push_back(*store_->snapshotter().pin(id));
    return id;
  }
  fs::path file_of(store::SnapshotId id) {
    return store_->snapshotter().directory(id) / "venv/torch/torch.so";
  }
  // The blob of the part that holds the file.
  Digest part(store::SnapshotId id) {
    LayerChoice choice;
    choice.split_above = 1 << 20;
    const auto blobs = *ensure_layer_blobs(*store_, id, choice, pool_, {});
    for (const store::LayerBlob& blob : blobs) {
      if (blob.label.starts_with("venv")) return blob.descriptor.digest;
    }
    ADD_FAILURE() << "the file has no part of its own";
    return {};
  }
  static void write(const fs::path& path, char content, const struct stat* times) {
    const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT, 0644));
    ASSERT_TRUE(write_all(fd.get(), std::string(kPartBytes, content)));
    if (times == nullptr) return;
    const timespec both[] = {times->st_atim, times->st_mtim};
    ASSERT_EQ(::futimens(fd.get(), both), 0);
  }

  Result<TempDir> temp_ = TempDir::create("/var/tmp", "slipway-layer-blobs-test-");
  ThreadPool pool_{2};
  std::unique_ptr<store::Store> store_;
  std::vector<std::shared_ptr<const void>> pins_;
  int snapshots_ = 0;
};

TEST_F(LayerBlobsTest, APartOfTheSameInodesIsNotReadAgain) {
  const store::SnapshotId first = snapshot([](const fs::path& file) { write(file, 'a', nullptr); });
  const Digest blob = part(first);
  const store::SnapshotId second =
      snapshot([&](const fs::path& file) { fs::create_hard_link(file_of(first), file); });
  // What nothing may do shows that the content was not looked at.
  struct stat info;
  ASSERT_EQ(::stat(file_of(first).c_str(), &info), 0);
  write(file_of(first), 'b', &info);
  EXPECT_EQ(part(second), blob);
}

TEST_F(LayerBlobsTest, AnotherFileOfTheSameSizeAndTimesIsRead) {
  const store::SnapshotId first = snapshot([](const fs::path& file) { write(file, 'a', nullptr); });
  const Digest blob = part(first);
  struct stat info;
  ASSERT_EQ(::stat(file_of(first).c_str(), &info), 0);
  EXPECT_EQ(part(snapshot([&](const fs::path& file) { write(file, 'a', &info); })), blob);
  EXPECT_NE(part(snapshot([&](const fs::path& file) { write(file, 'b', &info); })), blob);
}

}  // namespace
}  // namespace slipway::exporter
