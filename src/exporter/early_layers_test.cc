#include "exporter/early_layers.h"

#include <unistd.h>

#include <gtest/gtest.h>

#include "base/file_io.h"
#include "base/temp_dir.h"

namespace slipway::exporter {
namespace {

namespace fs = std::filesystem;

class EarlyLayersTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: overlay snapshots";
    store_ = *store::Store::open({temp_->path() / "store", false, {}});
  }
  store::SnapshotId add_layer(store::SnapshotId parent, size_t bytes) {
    auto active = *store_->snapshotter().prepare(parent);
    EXPECT_TRUE(write_file_atomic(active->layers().upper / "file", std::string(bytes, 'x')));
    return *active->commit();
  }
  bool has_layer(store::SnapshotId id) { return !store_->layers().blobs_of(id)->empty(); }
  bool gets_layer(store::SnapshotId id) {
    for (int i = 0; i < 1000 && !has_layer(id); ++i) ::usleep(10'000);
    return has_layer(id);
  }

  Result<TempDir> temp_ = TempDir::create("/var/tmp", "slipway-early-layers-test-");
  std::unique_ptr<store::Store> store_;
};

TEST_F(EarlyLayersTest, MakesTheLayersOfAStack) {
  const store::SnapshotId base = add_layer({}, 100);
  const store::SnapshotId top = add_layer(base, 100);
  EarlyLayers early(*store_);
  early.want(top, *store_->snapshotter().pin(top), {});
  EXPECT_TRUE(gets_layer(top));
  EXPECT_TRUE(has_layer(base));
}

TEST_F(EarlyLayersTest, NothingIsMadeAfterStop) {
  const store::SnapshotId top = add_layer({}, 100);
  EarlyLayers early(*store_);
  early.stop();
  early.want(top, *store_->snapshotter().pin(top), {});
  EXPECT_FALSE(has_layer(top));
}

TEST_F(EarlyLayersTest, GivesUpInTheMiddleOfAFile) {
  const store::SnapshotId top = add_layer({}, 300'000'000);
  {
    EarlyLayers early(*store_);
    early.want(top, *store_->snapshotter().pin(top), {});
    ::usleep(20'000);
  }
  EXPECT_FALSE(has_layer(top));
}

}  // namespace
}  // namespace slipway::exporter
