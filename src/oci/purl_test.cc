#include "oci/purl.h"

#include <gtest/gtest.h>

namespace slipway {
namespace {

TEST(Purl, PartsAreEncodedAndEmptyOnesLeftOut) {
  EXPECT_EQ(
      (Purl{
           "deb", "debian", "libstdc++6", "12.2.0-14+deb12u1", {{"arch", "amd64"}, {"distro", ""}}})
          .str(),
      "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bdeb12u1?arch=amd64");
  EXPECT_EQ((Purl{"npm", "@babel", "core", "7.1.0", {}}).str(), "pkg:npm/%40babel/core@7.1.0");
  EXPECT_EQ((Purl{"pypi", "", "six", "", {}}).str(), "pkg:pypi/six");
}

TEST(Purl, ImagesAreNamedAsBuildKitDoes) {
  const auto of = [](const char* image) {
    return image_purl(*Reference::parse(image), *Platform::parse("linux/amd64")).str();
  };
  EXPECT_EQ(of("busybox"), "pkg:docker/busybox@latest?platform=linux%2Famd64");
  EXPECT_EQ(of("localhost:5000/team/app:v1"),
            "pkg:docker/localhost:5000/team/app@v1?platform=linux%2Famd64");
}

}  // namespace
}  // namespace slipway
