#include "store/layer_index.h"

#include <gtest/gtest.h>

#include "base/temp_dir.h"
#include "oci/layer_format.h"
#include "store/store.h"

namespace slipway::store {
namespace {

class LayerIndexTest : public testing::Test {
 protected:
  SnapshotId snapshot() { return *(*store_->snapshotter().prepare({}))->commit(); }

  TempDir directory_ = *TempDir::create("/var/tmp", "slipway-layers-");
  std::unique_ptr<Store> store_ = *Store::open({directory_.path(), false, {}});
};

TEST_F(LayerIndexTest, ABlobIsFoundByItsVariant) {
  const SnapshotId id = snapshot();
  LayerBlob blob;
  blob.descriptor = {media_type::kOciLayerGzip, Digest::sha256_of("blob"), 4};
  blob.descriptor.annotations = {{annotation::kStargzTarBytes, "9"}};
  blob.diff_id = Digest::sha256_of("tar");
  ASSERT_TRUE(store_->layers().add_blob(id, "gzip-6", blob));
  const std::optional<LayerBlob> found = *store_->layers().find_blob(id, "gzip-6");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->descriptor, blob.descriptor);
  EXPECT_EQ(found->diff_id, blob.diff_id);
  EXPECT_FALSE(*store_->layers().find_blob(id, "zstd-3"));
  EXPECT_EQ(store_->layers().blobs_of(id)->size(), 1);
}

TEST_F(LayerIndexTest, PartsKeepTheirOrderAndAreFoundByTheirOutline) {
  const SnapshotId id = snapshot();
  std::vector<LayerBlob> parts;
  for (const char* name : {"b", "a", "c"}) {
    LayerBlob part;
    part.descriptor = {media_type::kOciLayerGzip, Digest::sha256_of(name), 4};
    part.diff_id = Digest::sha256_of("tar");
    part.label = name;
    if (part.label != "c") part.outline = Digest::sha256_of("outline");
    if (part.label == "a") part.inodes = Digest::sha256_of("inodes");
    parts.push_back(part);
  }
  ASSERT_TRUE(store_->layers().add_parts(id, "split", parts));
  const std::vector<LayerBlob> found = *store_->layers().find_parts(id, "split");
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].label, "b");
  EXPECT_EQ(found[1].inodes, Digest::sha256_of("inodes"));
  EXPECT_EQ(found[2].label, "c");
  EXPECT_TRUE(found[2].inodes.empty());
  EXPECT_EQ(store_->layers().parts_like(Digest::sha256_of("outline"))->size(), 2u);
  EXPECT_FALSE(*store_->layers().find_blob(id, "split")) << "it is no whole layer";
  ASSERT_TRUE(store_->layers().add_parts(id, "split", {parts[0]}));
  EXPECT_EQ(store_->layers().find_parts(id, "split")->size(), 1u);
}

TEST_F(LayerIndexTest, TheFirstToUnpackAChainWins) {
  const Digest chain = Digest::sha256_of("chain");
  const SnapshotId first = snapshot();
  const SnapshotId second = snapshot();
  EXPECT_FALSE(*store_->layers().find_chain(chain));
  EXPECT_EQ(*store_->layers().add_chain(chain, first), first);
  EXPECT_EQ(*store_->layers().add_chain(chain, second), first);
  EXPECT_EQ(*store_->layers().find_chain(chain), first);
}

TEST_F(LayerIndexTest, AChainWhoseSnapshotIsGoneIsReplaced) {
  const Digest chain = Digest::sha256_of("chain");
  const SnapshotId first = snapshot();
  ASSERT_TRUE(store_->layers().add_chain(chain, first));
  ASSERT_TRUE(store_->snapshotter().remove(first));
  const SnapshotId second = snapshot();
  EXPECT_EQ(*store_->layers().add_chain(chain, second), second);
}

TEST_F(LayerIndexTest, AChainWhoseSnapshotHasLostItsDirectoryIsReplaced) {
  const Digest chain = Digest::sha256_of("chain");
  const SnapshotId first = snapshot();
  ASSERT_TRUE(store_->layers().add_chain(chain, first));
  std::filesystem::remove_all(store_->snapshotter().directory(first).parent_path());
  const SnapshotId second = snapshot();
  EXPECT_EQ(*store_->layers().add_chain(chain, second), second);
}

TEST(ChainIdTest, FollowsTheImageSpec) {
  const Digest a = Digest::sha256_of("a");
  const Digest b = Digest::sha256_of("b");
  EXPECT_EQ(chain_id({}, a), a);
  EXPECT_EQ(chain_id(a, b), Digest::sha256_of(a.str() + " " + b.str()));
}

}  // namespace
}  // namespace slipway::store
