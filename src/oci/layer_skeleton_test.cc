#include "oci/layer_skeleton.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace slipway {
namespace {

Descriptor layer(const std::string& annotation) {
  Descriptor descriptor;
  descriptor.annotations[kLayerSkeletonAnnotation] = annotation;
  return descriptor;
}

const std::string kName = "sha256:" + std::string(64, 'a');

TEST(LayerSkeletons, AreWhatWasSet) {
  Descriptor skeleton;
  skeleton.media_type = kLayerSkeletonType;
  skeleton.digest = Digest::sha256_of("skeleton");
  skeleton.size = 4711;
  Descriptor descriptor;
  set_skeleton(descriptor, skeleton);
  EXPECT_EQ(skeleton_of(descriptor), skeleton);
  EXPECT_EQ(skeletons_of({descriptor, Descriptor(), descriptor}), std::vector{skeleton});
}

TEST(LayerSkeletons, AnythingElseIsNone) {
  EXPECT_TRUE(skeleton_of(layer(kName + " 1")));
  for (const std::string& text :
       std::vector<std::string>{"", kName, kName + " ", kName + " x", kName + " 1 ", kName + " -1",
                                "sha256:ff 1", " 1"}) {
    EXPECT_FALSE(skeleton_of(layer(text))) << text;
  }
  EXPECT_FALSE(skeleton_of(Descriptor()));
}

}  // namespace
}  // namespace slipway
