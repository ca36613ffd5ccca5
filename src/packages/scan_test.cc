#include "packages/scan.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include "base/file_io.h"
#include "base/temp_dir.h"
#include "packages/databases.h"

namespace slipway::packages {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ScanTest : public testing::Test {
 protected:
  void put(const std::string& path, std::string_view text) {
    fs::create_directories((root_.path() / path).parent_path());
    ASSERT_TRUE(write_file_atomic(root_.path() / path, text));
  }
  std::vector<std::string> names() {
    std::vector<std::string> names;
    inventory_ = *scan_packages(root_.path(), {});
    for (const Package& package : inventory_.packages) {
      names.push_back(package.name + "@" + package.version);
    }
    return names;
  }
  // A database with one package, or with other SQL.
  void put_rpmdb(const std::string& path, const char* sql) {
    fs::create_directories((root_.path() / path).parent_path());
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open((root_.path() / path).c_str(), &database), SQLITE_OK);
    char* error = nullptr;
    EXPECT_EQ(sqlite3_exec(database, sql, nullptr, nullptr, &error), SQLITE_OK) << error;
    sqlite3_close(database);
  }

  TempDir root_ = *TempDir::create("/var/tmp", "slipway-scan-test-");
  Inventory inventory_;
};

TEST_F(ScanTest, FindsEveryKindOfPackage) {
  put("etc/os-release", "ID=debian\nVERSION_ID=12\n");
  put("var/lib/dpkg/status", "Package: bash\nStatus: install ok installed\nVersion: 5\n");
  put("var/lib/dpkg/status.d/base", "Package: base-files\nVersion: 12\n");
  put("var/lib/dpkg/status.d/base.md5sums", "Package: no\nVersion: 0\n");
  put("lib/apk/db/installed", "P:musl\nV:1.2\n");
  put("opt/venv/lib/python3.11/site-packages/six-1.16.dist-info/METADATA",
      "Name: six\nVersion: 1.16\n");
  put("usr/lib/python3/dist-packages/old.egg-info", "Name: old\nVersion: 0.1\n");
  put("app/node_modules/left-pad/package.json", R"({"name":"left-pad","version":"1.3.0"})");
  put("app/node_modules/@babel/core/package.json", R"({"name":"@babel/core","version":"7.0"})");
  put("app/node_modules/left-pad/test/package.json", R"({"name":"fixture","version":"9"})");
  put("app/package.json", R"({"name":"app","version":"1"})");
  // A header of rpm: two texts.
  put_rpmdb("var/lib/rpm/rpmdb.sqlite",
            "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB);"
            "INSERT INTO Packages VALUES (1, X'0000000200000004"
            "000003e8000000060000000000000001000003e9000000060000000200000001"
            "61003100')");
  EXPECT_THAT(names(), ElementsAre("base-files@12", "bash@5", "musl@1.2", "a@1", "old@0.1",
                                   "six@1.16", "@babel/core@7.0", "left-pad@1.3.0"));
  EXPECT_THAT(inventory_.warnings, IsEmpty());
  EXPECT_EQ(inventory_.distribution.id, "debian");
}

TEST_F(ScanTest, NothingOutsideOfTheImageIsRead) {
  fs::create_directories(root_.path() / "var/lib/dpkg");
  fs::create_symlink("/etc/passwd", root_.path() / "var/lib/dpkg/status");
  fs::create_symlink("/", root_.path() / "host");
  fs::create_symlink("../../../../../../usr/lib", root_.path() / "up");
  EXPECT_THAT(names(), IsEmpty());
}

// Alpine, Wolfi: /lib is /usr/lib.
TEST_F(ScanTest, ADatabaseWithTwoPathsIsReadOnce) {
  put("usr/lib/apk/db/installed", "P:musl\nV:1.2\n");
  fs::create_directory_symlink("usr/lib", root_.path() / "lib");
  EXPECT_THAT(names(), ElementsAre("musl@1.2"));
}

TEST_F(ScanTest, AHostileDatabaseCannotFillTheMemory) {
  std::string database;
  for (size_t i = 0; i < kMostPackages + 10; ++i) database += fmt::format("P:a{}\nV:1\n\n", i);
  put("lib/apk/db/installed", database);
  EXPECT_EQ(names().size(), kMostPackages);
  EXPECT_THAT(inventory_.warnings, ElementsAre(HasSubstr("too many")));
}

TEST_F(ScanTest, WhatCannotBeReadIsTold) {
  put("var/lib/rpm/Packages", "Berkeley DB");
  put("usr/lib/sysimage/rpm/rpmdb.sqlite", "no database");
  put("node_modules/broken/package.json", "{");
  EXPECT_THAT(names(), IsEmpty());
  EXPECT_THAT(inventory_.warnings, ElementsAre(HasSubstr("Berkeley DB"), HasSubstr("rpmdb.sqlite"),
                                               HasSubstr("node_modules/broken/package.json")));
}

TEST_F(ScanTest, AHostileDatabaseCannotKeepUsBusy) {
  put_rpmdb("var/lib/rpm/rpmdb.sqlite",
            "CREATE VIEW Packages AS WITH RECURSIVE n(hnum, blob) AS (SELECT 1, 1 UNION ALL "
            "SELECT hnum + 1, 1 FROM n) SELECT * FROM n");
  EXPECT_THAT(names(), IsEmpty());
  EXPECT_THAT(inventory_.warnings, ElementsAre(HasSubstr("rpmdb.sqlite")));
}

}  // namespace
}  // namespace slipway::packages
