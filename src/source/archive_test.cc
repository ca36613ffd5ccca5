#include "source/archive.h"

#include <fcntl.h>

#include <gtest/gtest.h>

#include "base/child_process.h"
#include "base/file_io.h"
#include "base/temp_dir.h"

namespace slipway::source {
namespace {

class ArchiveTest : public ::testing::Test {
 protected:
  void run(std::vector<std::string> argv) {
    const auto ran = run_command({.argv = std::move(argv)});
    ASSERT_TRUE(ran && ran->status.success()) << (ran ? ran->stderr_text : "");
  }
  std::string archive(const std::string& flag) {
    const std::string path = directory_.path() / ("a" + flag + ".tar");
    run({"tar", "-C", directory_.path(), "-c", flag, "-f", path, "old", "new"});
    return path;
  }
  void SetUp() override {
    for (const char* name : {"old", "new"}) {
      ASSERT_TRUE(write_file_atomic(directory_.path() / name, name));
    }
    run({"touch", "-d", "@1000", directory_.path() / "old"});
    run({"touch", "-d", "@2000", directory_.path() / "new"});
  }
  TempDir directory_ = *TempDir::create("/var/tmp", "slipway-archive-");
};

TEST_F(ArchiveTest, IsKnownByItsFirstBytesInEveryCompression) {
  for (const char* flag : {"-v", "-z", "-j", "-J", "--zstd"}) {
    const std::string path = archive(flag);
    EXPECT_TRUE(is_archive(read_file(path)->substr(0, kArchiveHeaderBytes))) << flag;
    const UniqueFd fd = *open_file(path, O_RDONLY);
    EXPECT_EQ(newest_file_time(fd.get()), 2000) << flag;
  }
}

TEST_F(ArchiveTest, TimesThatNoImageCanHaveDoNotCount) {
  const std::string path = directory_.path() / "late.tar";
  run({"tar", "-C", directory_.path(), "--format=pax", "-cf", path, "old"});
  run({"tar", "-C", directory_.path(), "--format=pax", "--mtime=@99999999999999", "-rf", path,
       "new"});
  const UniqueFd fd = *open_file(path, O_RDONLY);
  EXPECT_EQ(newest_file_time(fd.get()), 1000);
}

TEST_F(ArchiveTest, ADockerfileIsNone) {
  EXPECT_FALSE(is_archive("FROM scratch\n"));
  EXPECT_FALSE(is_archive(std::string(2000, '#')));
  EXPECT_FALSE(is_archive(std::string(2000, '\0')));
  EXPECT_FALSE(is_archive(""));
  const UniqueFd fd = *open_file(directory_.path() / "old", O_RDONLY);
  EXPECT_EQ(newest_file_time(fd.get()), std::nullopt);
}

}  // namespace
}  // namespace slipway::source
