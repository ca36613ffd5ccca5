#include "exporter/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/file_io.h"
#include "base/temp_dir.h"

namespace slipway::exporter {
namespace {

namespace fs = std::filesystem;

class OutputFileTest : public testing::Test {
 protected:
  fs::path path(const char* name) const { return directory_.path() / name; }
  TempDir directory_ = *TempDir::create("/var/tmp", "output-");
};

TEST_F(OutputFileTest, AppearsWhenItIsComplete) {
  {
    const OutputFile abandoned = *OutputFile::create(path("new/file"));
    ASSERT_TRUE(write_all(abandoned.fd(), "half"));
  }
  EXPECT_TRUE(fs::is_empty(path("new")));
  ASSERT_TRUE(OutputFile::write(path("new/file"), "whole"));
  EXPECT_EQ(*read_file(path("new/file")), "whole");
}

// Every build is process 2 of its namespace: its id says nothing.
TEST_F(OutputFileTest, WhatAnotherBuildIsWritingIsLeftAlone) {
  const std::string others = fmt::format("{}.{}.tmp", path("file").string(), ::getpid());
  ASSERT_TRUE(write_file_atomic(others, "theirs"));
  ASSERT_TRUE(OutputFile::write(path("file"), "ours"));
  EXPECT_EQ(*read_file(others), "theirs");
  EXPECT_EQ(*read_file(path("file")), "ours");
}

// As root, with /dev/null as the destination, a rename would take the device from the whole system.
TEST_F(OutputFileTest, WhatIsNoPlainFileStaysWhatItIs) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  const UniqueFd reader = *open_file(path("pipe"), O_RDONLY | O_NONBLOCK);
  ASSERT_TRUE(OutputFile::write(path("pipe"), "text"));
  EXPECT_TRUE(fs::is_fifo(path("pipe")));
  char got[8] = {};
  EXPECT_EQ(::read(reader.get(), got, sizeof got), 4);
  EXPECT_STREQ(got, "text");
}

TEST_F(OutputFileTest, SymlinksAreFollowed) {
  ASSERT_TRUE(write_file_atomic(path("real"), "old"));
  fs::create_symlink("real", path("link"));
  fs::create_symlink("not there yet", path("dangling"));
  ASSERT_TRUE(OutputFile::write(path("link"), "new"));
  ASSERT_TRUE(OutputFile::write(path("dangling"), "first"));
  EXPECT_TRUE(fs::is_symlink(path("link")) && fs::is_symlink(path("dangling")));
  EXPECT_EQ(*read_file(path("real")), "new");
  EXPECT_EQ(*read_file(path("not there yet")), "first");
}

TEST_F(OutputFileTest, ADirectoryIsRefused) {
  EXPECT_EQ(OutputFile::create(directory_.path()).error().code(), ErrorCode::InvalidInput);
}

}  // namespace
}  // namespace slipway::exporter
