#include "store/image_store.h"

#include <gtest/gtest.h>

#include "base/temp_dir.h"
#include "store/store.h"

namespace slipway::store {
namespace {

class ImageStoreTest : public testing::Test {
 protected:
  Descriptor image(std::string_view content) {
    return {media_type::kOciManifest, *store_->content().put(content), content.size()};
  }

  TempDir directory_ = *TempDir::create("/var/tmp", "slipway-images-");
  std::unique_ptr<Store> store_ = *Store::open({directory_.path(), false, {}});
};

TEST_F(ImageStoreTest, ANameMovesToTheNewImage) {
  const Descriptor first = image("one");
  const Descriptor second = image("two");
  ASSERT_TRUE(store_->images().tag("docker.io/library/app:latest", first));
  ASSERT_TRUE(store_->images().tag("docker.io/library/app:latest", second));
  EXPECT_EQ((*store_->images().find("docker.io/library/app:latest"))->target, second);
  EXPECT_EQ(store_->images().list()->size(), 1);
}

TEST_F(ImageStoreTest, TaggingAgainKeepsTheTime) {
  const Descriptor target = image("one");
  ASSERT_TRUE(store_->images().tag("a:1", target));
  const int64_t created = (*store_->images().find("a:1"))->created;
  ASSERT_TRUE(store_->images().tag("a:1", target));
  EXPECT_EQ((*store_->images().find("a:1"))->created, created);
}

TEST_F(ImageStoreTest, RemoveSaysWhetherItWasThere) {
  ASSERT_TRUE(store_->images().tag("a:1", image("one")));
  EXPECT_TRUE(*store_->images().remove("a:1"));
  EXPECT_FALSE(*store_->images().remove("a:1"));
  EXPECT_FALSE(*store_->images().find("a:1"));
}

}  // namespace
}  // namespace slipway::store
