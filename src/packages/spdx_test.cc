#include "packages/spdx.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace slipway::packages {
namespace {

Package package_of(PackageKind kind, const char* name, const char* version) {
  return {.kind = kind, .name = name, .version = version, .architecture = "amd64", .file = "/db"};
}

TEST(PackageUrl, EachKindHasItsForm) {
  const Distribution debian{"debian", "12", ""};
  EXPECT_EQ(package_url(package_of(PackageKind::Deb, "bash", "5.2"), debian),
            "pkg:deb/debian/bash@5.2?arch=amd64&distro=debian-12");
  EXPECT_EQ(package_url(package_of(PackageKind::Rpm, "bash", "2:5.2-1"), {"fedora", "39", ""}),
            "pkg:rpm/fedora/bash@5.2-1?arch=amd64&distro=fedora-39&epoch=2");
  EXPECT_EQ(package_url(package_of(PackageKind::Python, "Flask_Thing", "2"), debian),
            "pkg:pypi/flask-thing@2");
  EXPECT_EQ(package_url(package_of(PackageKind::Npm, "@babel/core", "7"), debian),
            "pkg:npm/%40babel/core@7");
}

TEST(SpdxDocument, NamesEveryPackageAndIsTheSameEachTime) {
  Inventory inventory;
  inventory.distribution = {"debian", "12", ""};
  inventory.packages = {package_of(PackageKind::Deb, "libstdc++6", "12"),
                        package_of(PackageKind::Python, "six", "1.16")};
  inventory.packages[0].license = "GPL \"3\"";
  const SpdxOptions options{"sbom", "slipway-1", 0};
  const std::string text = spdx_document(inventory, options);
  EXPECT_EQ(text, spdx_document(inventory, options));
  const auto document = nlohmann::json::parse(text);
  EXPECT_EQ(document["spdxVersion"], "SPDX-2.3");
  EXPECT_EQ(document["documentNamespace"].get<std::string>().size(),
            std::string("https://spdx.org/spdxdocs/slipway-").size() + 64);
  EXPECT_EQ(document["creationInfo"]["created"], "1970-01-01T00:00:00Z");
  ASSERT_EQ(document["packages"].size(), 3u);  // the distribution is one
  EXPECT_EQ(document["relationships"].size(), 3u);
  EXPECT_EQ(document["packages"][0]["primaryPackagePurpose"], "OPERATING_SYSTEM");
  const auto& first = document["packages"][1];
  EXPECT_EQ(first["name"], "libstdc++6");
  EXPECT_EQ(first["SPDXID"].get<std::string>().find_first_not_of(
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-"),
            std::string::npos);
  EXPECT_EQ(first["externalRefs"][0]["referenceLocator"],
            "pkg:deb/debian/libstdc%2B%2B6@12?arch=amd64&distro=debian-12");
}

TEST(SpdxDocument, EveryElementHasAnIdOfItsOwn) {
  Inventory inventory;
  inventory.packages = {package_of(PackageKind::Deb, "a", "1"),
                        package_of(PackageKind::Deb, "a", "1")};
  inventory.packages[1].license = "MIT";
  const auto document = nlohmann::json::parse(spdx_document(inventory, {"sbom", "slipway-1", 0}));
  EXPECT_EQ(document["packages"].size(), 1u);
  EXPECT_EQ(document["relationships"].size(), 1u);
}

}  // namespace
}  // namespace slipway::packages
