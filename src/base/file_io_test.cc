#include "base/file_io.h"

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/temp_dir.h"
#include "base/unique_fd.h"

namespace slipway {
namespace {

// Every build is process 2 of its namespace: what a killed one left has our id.
TEST(WriteFileAtomic, WhatAKilledProcessLeftIsNotInTheWay) {
  const TempDir directory = *TempDir::create("/var/tmp", "slipway-file-io-");
  const std::filesystem::path path = directory.path() / "index.json";
  for (int i = 0; i < 100; ++i) {
    const auto left = open_file(fmt::format("{}.{}.{}.tmp", path.string(), ::getpid(), i),
                                O_WRONLY | O_CREAT | O_EXCL, 0600);
    ASSERT_TRUE(left);
  }
  const Status written = write_file_atomic(path, "new");
  ASSERT_TRUE(written) << written.error().message();
  EXPECT_EQ(*read_file(path), "new");
}

TEST(DirectoryExists, WhatIsTooLongForAPathIsNone) {
  const std::string url =
      "https://bucket.example.com/context.tar?signature=" + std::string(5000, 'x');
  EXPECT_FALSE(directory_exists(url));
  EXPECT_FALSE(path_exists(url));
  EXPECT_TRUE(directory_exists("/"));
}

}  // namespace
}  // namespace slipway
