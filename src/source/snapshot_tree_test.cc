#include "source/snapshot_tree.h"

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace slipway::source {
namespace {

namespace fs = std::filesystem;

class SnapshotTreeTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "mounting needs root";
  }
  template <typename Fill>
  store::SnapshotId layer(store::SnapshotId parent, Fill fill) {
    const auto active = *store_->snapshotter().prepare(parent);
    fill(active->layers().upper);
    const store::SnapshotId id = *active->commit();
    pins_.push_back(*store_->snapshotter().pin(id));
    return id;
  }
  Digest digest(store::SnapshotId id, std::string path) {
    Selection selection;
    selection.path = std::move(path);
    return *snapshot_digest(*store_, id, selection, nullptr, {});
  }

  TempDir directory_ = *TempDir::create("/var/tmp", "slipway-snapshot-tree-");
  std::unique_ptr<store::Store> store_ = *store::Store::open({directory_.path(), false, {}});
  std::vector<std::shared_ptr<const void>> pins_;
};

void write(const fs::path& path, std::string_view text) {
  std::ofstream(path) << text;
}

TEST_F(SnapshotTreeTest, TheDigestIsThatOfAllLayersTogether) {
  const auto one = layer({}, [](const fs::path& d) {
    fs::create_directory(d / "d");
    write(d / "d/a", "1");
    write(d / "d/b", "2");
  });
  const auto base = layer({}, [](const fs::path& d) {
    fs::create_directory(d / "d");
    write(d / "d/a", "old");
    write(d / "d/b", "2");
    write(d / "d/c", "3");
  });
  const auto two = layer(base, [](const fs::path& d) {
    fs::create_directory(d / "d");
    write(d / "d/a", "1");
    ASSERT_EQ(::mknod((d / "d/c").c_str(), S_IFCHR, 0), 0);
  });
  EXPECT_EQ(digest(two, "/d"), digest(one, "/d"));
  EXPECT_NE(digest(base, "/d"), digest(one, "/d"));
}

TEST_F(SnapshotTreeTest, OwnersAndCapabilitiesCount) {
  const auto plain = layer({}, [](const fs::path& d) { write(d / "f", "x"); });
  const auto owned = layer({}, [](const fs::path& d) {
    write(d / "f", "x");
    ASSERT_EQ(::chown((d / "f").c_str(), 5, 5), 0);
  });
  const auto marked = layer({}, [](const fs::path& d) {
    write(d / "f", "x");
    ASSERT_EQ(::setxattr((d / "f").c_str(), "user.mark", "y", 1, 0), 0);
  });
  EXPECT_NE(digest(plain, "/f"), digest(owned, "/f"));
  EXPECT_NE(digest(plain, "/f"), digest(marked, "/f"));
}

TEST_F(SnapshotTreeTest, AKnownDigestNeedsNoMount) {
  const auto id = layer({}, [](const fs::path& d) { write(d / "f", "x"); });
  const Digest first = digest(id, "/f");
  fs::remove(store_->snapshotter().directory(id) / "f");
  EXPECT_EQ(digest(id, "/f"), first);
}

TEST_F(SnapshotTreeTest, ScratchIsAnEmptyTree) {
  const auto tree = *SnapshotTree::open(*store_, {}, nullptr);
  EXPECT_TRUE(tree->tree().list({}, {})->empty());
  EXPECT_FALSE(*tree->tree().find("/etc", true));
}

}  // namespace
}  // namespace slipway::source
