#include "packages/databases.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::packages {
namespace {

using testing::SizeIs;

TEST(DpkgStatus, ListsWhatIsInstalled) {
  const auto packages = parse_dpkg_status(
      "Package: bash\nStatus: install ok installed\nVersion: 5.2-1+b1\nArchitecture: amd64\n"
      "Description: a shell\n Package: not a field\nSource: bash-src (5.2-1)\n\n\n"
      "Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n"
      "Package: half\n\nVersion: 2\n\nPackage: base-files\nSource: base-files (12)\nVersion: 12\n");
  ASSERT_THAT(packages, SizeIs(2));
  EXPECT_EQ(packages[0].name, "bash");
  EXPECT_EQ(packages[0].version, "5.2-1+b1");
  EXPECT_EQ(packages[0].architecture, "amd64");
  EXPECT_EQ(packages[0].source, "bash-src");
  EXPECT_EQ(packages[1].source, "");
  EXPECT_EQ(packages[1].name, "base-files");  // status.d has no Status
}

TEST(ApkInstalled, ListsRecords) {
  const auto packages = parse_apk_installed(
      "C:Q1x\nP:musl\nV:1.2.4-r2\nA:x86_64\nL:MIT\no:musl\nF:lib\nR:ld.so\n\n"
      "P:libcrypto3\nV:3.1.4-r5\no:openssl\n");
  ASSERT_THAT(packages, SizeIs(2));
  EXPECT_EQ(packages[0].license, "MIT");
  EXPECT_EQ(packages[0].source, "");
  EXPECT_EQ(packages[1].source, "openssl");
}

TEST(PythonMetadata, EndsAtTheDescription) {
  const auto package = parse_python_metadata(
      "Metadata-Version: 2.1\r\nname: Flask_Thing\r\nVersion: 2.0\r\nLicense: BSD\r\n\r\n"
      "Version: 9\r\n");
  ASSERT_TRUE(package);
  EXPECT_EQ(package->name, "Flask_Thing");
  EXPECT_EQ(package->version, "2.0");
  EXPECT_EQ(package->license, "BSD");
  EXPECT_FALSE(parse_python_metadata("Name: x\n"));
}

TEST(NpmPackage, ReadsNameVersionAndEveryFormOfLicense) {
  const auto license = [](const char* rest) {
    return (*parse_npm_package(std::string(R"({"name":"a","version":"1")") + rest + "}"))->license;
  };
  EXPECT_EQ(license(R"(,"license":"MIT")"), "MIT");
  EXPECT_EQ(license(R"(,"license":{"type":"ISC"})"), "ISC");
  EXPECT_EQ(license(R"(,"licenses":[{"type":"MIT"},{"type":"GPL"}])"), "MIT OR GPL");
  EXPECT_FALSE(*parse_npm_package(R"({"type":"module"})"));
  EXPECT_FALSE(*parse_npm_package(R"({"name":1,"version":{}})"));
  EXPECT_FALSE(parse_npm_package("["));
}

// A header as rpm writes it.
class RpmHeader {
 public:
  RpmHeader& text(uint32_t tag, const std::string& value, uint32_t type = 6) {
    return entry(tag, type, 1, value + '\0');
  }
  RpmHeader& number(uint32_t tag, uint32_t value) { return entry(tag, 4, 1, word(value)); }
  std::string bytes() const {
    return word(count_) + word(static_cast<uint32_t>(store_.size())) + index_ + store_;
  }
  static std::string word(uint32_t value) {
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
    return bytes;
  }

 private:
  RpmHeader& entry(uint32_t tag, uint32_t type, uint32_t count, const std::string& data) {
    index_ += word(tag) + word(type) + word(static_cast<uint32_t>(store_.size())) + word(count);
    store_ += data;
    ++count_;
    return *this;
  }
  std::string index_;
  std::string store_;
  uint32_t count_ = 0;
};

TEST(RpmHeaders, SayWhatThePackageIs) {
  RpmHeader header;
  header.text(1000, "libfoo").text(1001, "1.2").text(1002, "3.el9").number(1003, 2);
  header.text(1022, "x86_64").text(1014, "MIT").text(1044, "foo-1.2-3.el9.src.rpm");
  const auto package = parse_rpm_header(header.bytes());
  ASSERT_TRUE(package) << package.error().message();
  EXPECT_EQ(package->name, "libfoo");
  EXPECT_EQ(package->version, "2:1.2-3.el9");
  EXPECT_EQ(package->source, "foo");
  EXPECT_EQ(package->license, "MIT");
}

TEST(RpmHeaders, ThatLieAreRefused) {
  const std::string good = RpmHeader().text(1000, "a").text(1001, "1").bytes();
  ASSERT_TRUE(parse_rpm_header(good));
  EXPECT_FALSE(parse_rpm_header(""));
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(parse_rpm_header(std::string_view(good).substr(0, size))) << size;
  }
  std::string far = good;
  far.replace(16, 4, RpmHeader::word(0xfffffff0));  // the offset of the name
  EXPECT_FALSE(parse_rpm_header(far));
  EXPECT_FALSE(parse_rpm_header(RpmHeader::word(0xffffffff) + RpmHeader::word(0)));
  EXPECT_FALSE(parse_rpm_header(RpmHeader().number(1000, 5).text(1001, "1").bytes()));
}

TEST(OsRelease, IsReadAsAShellWould) {
  const Distribution debian = parse_os_release(
      "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID='12'\nID=debian\nX\n");
  EXPECT_EQ(debian.id, "debian");
  EXPECT_EQ(debian.version, "12");
  EXPECT_EQ(debian.name, "Debian GNU/Linux 12 (bookworm)");
}

}  // namespace
}  // namespace slipway::packages
