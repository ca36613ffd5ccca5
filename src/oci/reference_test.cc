#include "oci/reference.h"

#include <gtest/gtest.h>

namespace slipway {
namespace {

constexpr char kDigest[] =
    "sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

TEST(Reference, ShortNamesAreOfDockerHub) {
  const Reference reference = *Reference::parse("busybox");
  EXPECT_EQ(reference.str(), "docker.io/library/busybox");
  EXPECT_EQ(reference.with_default_tag().str(), "docker.io/library/busybox:latest");
  EXPECT_EQ(reference.familiar(), "busybox");
  EXPECT_EQ(Reference::parse("index.docker.io/me/x")->familiar(), "me/x");
}

TEST(Reference, KeepsRegistryTagAndDigestApart) {
  const std::string text = std::string("[::1]:5000/a/b:t@") + kDigest;
  const Reference reference = *Reference::parse(text);
  EXPECT_EQ(reference.domain(), "[::1]:5000");
  EXPECT_EQ(reference.path(), "a/b");
  EXPECT_EQ(reference.tag(), "t");
  EXPECT_EQ(reference.digest().str(), kDigest);
  EXPECT_EQ(reference.str(), text);
  EXPECT_EQ(reference.with_default_tag(), reference);
}

TEST(Reference, RejectsWhatIsNoName) {
  for (const char* text :
       {"", "a:", "a//b", "-a", "a@sha256:12", "a..b", "a___b", "h:x/y", "a b"}) {
    EXPECT_FALSE(Reference::parse(text)) << text;
  }
  EXPECT_EQ(Reference::parse("UPPER").error().message(),
            "invalid reference format: repository name (library/UPPER) must be lowercase");
}

TEST(Reference, NamesAreLimitedWithoutTheirRegistry) {
  const std::string path(250, 'a');
  EXPECT_TRUE(Reference::parse("reg.lan:5000/" + path));
  EXPECT_FALSE(Reference::parse("reg.lan:5000/aaaaaa" + path));
  EXPECT_FALSE(Reference::parse("no_reg.lan/" + path));  // "_" makes it part of the name
}

}  // namespace
}  // namespace slipway
