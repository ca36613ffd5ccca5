// Skeletons on real directories: what a layer and its skeleton have in common once both are
// unpacked.
#include "layer/skeleton.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "base/file_io.h"
#include "base/temp_dir.h"
#include "layer/decompress.h"
#include "layer/test_content.h"

namespace slipway::layer {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// What a skeleton must have of every entry, by path.
std::map<std::string, std::string> look(const fs::path& root) {
  std::map<std::string, std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    struct stat info{};
    EXPECT_EQ(::lstat(entry.path().c_str(), &info), 0);
    std::string text;
    if (S_ISDIR(info.st_mode)) {
      char opaque[8] = {};
      ::lgetxattr(entry.path().c_str(), "trusted.overlay.opaque", opaque, sizeof opaque - 1);
      text = fmt::format("directory {:o} {}:{} {} {}", info.st_mode & 07777, info.st_uid,
                         info.st_gid, info.st_mtim.tv_sec, opaque);
    } else if (S_ISLNK(info.st_mode)) {
      text = "link to " + fs::read_symlink(entry.path()).string();
    } else if (S_ISREG(info.st_mode) || S_ISSOCK(info.st_mode)) {
      text = "file";
    } else {
      text = fmt::format("{:o} {}", info.st_mode & S_IFMT, info.st_rdev);
    }
    found[fs::relative(entry.path(), root)] = text;
  }
  return found;
}

class SkeletonTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: owners, devices, trusted attributes";
  }

  fs::path make(const std::string& name) {
    const fs::path path = temp_->path() / name;
    fs::create_directories(path);
    return path;
  }
  void put(const fs::path& path, const std::string& text) {
    fs::create_directories(path.parent_path());
    ASSERT_TRUE(write_file_atomic(path, text));
  }

  // A layer with every kind of entry.
  fs::path layer() {
    const fs::path root = make("layer");
    put(root / "etc/passwd", "root:x:0:0::/:/bin/sh\n");
    put(root / "etc/group", "");
    put(root / "usr/bin/tool", std::string(100'000, 'x'));
    put(root / "usr/etc/passwd", "other");
    fs::create_hard_link(root / "usr/bin/tool", root / "usr/bin/same");
    fs::create_symlink("usr/bin", root / "bin");
    fs::create_directories(root / "new/empty");
    EXPECT_EQ(::setxattr((root / "new").c_str(), "trusted.overlay.opaque", "y", 1, 0), 0);
    EXPECT_EQ(::mknod((root / "usr/gone").c_str(), S_IFCHR, makedev(0, 0)), 0);
    EXPECT_EQ(::mkfifo((root / "pipe").c_str(), 0600), 0);
    EXPECT_EQ(::chown((root / "usr").c_str(), 12, 34), 0);
    EXPECT_EQ(::chmod((root / "new/empty").c_str(), 01777), 0);
    const timespec times[2] = {{1'000'000'000, 0}, {1'000'000'000, 0}};
    for (const char* path : {"etc", "usr/bin", "usr/etc", "usr", "new/empty", "new"}) {
      EXPECT_EQ(::utimensat(AT_FDCWD, (root / path).c_str(), times, 0), 0);
    }
    return root;
  }

  WrittenLayer write(const fs::path& directory) {
    ThreadPool pool(2);
    return *write_layer(directory, {}, content_, pool, {});
  }
  std::string skeleton_of(const WrittenLayer& written) {
    const UniqueFd fd = memory_file(content_.blobs[written.descriptor.digest]);
    const auto skeleton = skeleton_of_blob(fd_stream(fd.get()), written.diff_id, {});
    EXPECT_TRUE(skeleton) << skeleton.error().message();
    return skeleton ? skeleton->value_or("") : "";
  }
  Result<AppliedLayer> apply(std::string_view blob, const fs::path& directory, bool skeleton) {
    const UniqueFd fd = memory_file(blob);
    return apply_layer(fd.get(), directory, {.skeleton = skeleton}, {});
  }

  TestContent content_;
  Result<TempDir> temp_ = TempDir::create("/var/tmp", "slipway-skeleton-test-");
};

TEST_F(SkeletonTest, HasAllThatDecidesWhereThingsLie) {
  const fs::path directory = layer();
  const WrittenLayer written = write(directory);
  ASSERT_TRUE(apply(content_.blobs[written.descriptor.digest], make("full"), false));
  const std::string from_directory = **skeleton_of_directory(directory, {}, {});
  ASSERT_TRUE(apply(from_directory, make("skeleton"), true));
  EXPECT_EQ(look(make("skeleton")), look(make("full")));
  EXPECT_LT(from_directory.size(), 2000u);

  ASSERT_TRUE(apply(skeleton_of(written), make("skeleton-of-blob"), true));
  EXPECT_EQ(look(make("skeleton-of-blob")), look(make("full")));
}

TEST_F(SkeletonTest, KeepsUsersAndGroupsAndNoOtherContent) {
  ASSERT_TRUE(apply(skeleton_of(write(layer())), make("skeleton"), true));
  EXPECT_EQ(read_file(make("skeleton") / "etc/passwd").value_or(""), "root:x:0:0::/:/bin/sh\n");
  for (const char* path : {"usr/bin/tool", "usr/bin/same", "usr/etc/passwd", "etc/group"}) {
    EXPECT_FALSE(read_file(make("skeleton") / path)) << path;
  }
}

TEST_F(SkeletonTest, TellsWhichDirectoriesALayerOnlyImplies) {
  TarEntry file;
  file.name = "a/b/c";
  const std::string tar = encode_tar_header(file) + std::string(kTarEndBytes, '\0');
  const UniqueFd fd = memory_file(tar);
  const auto skeleton = skeleton_of_blob(fd_stream(fd.get()), Digest::sha256_of(tar), {});
  ASSERT_TRUE(skeleton && *skeleton);
  const auto applied = apply(**skeleton, make("skeleton"), true);
  ASSERT_TRUE(applied);
  EXPECT_THAT(applied->implied_directories, ::testing::ElementsAre("a", "a/b"));
}

TEST_F(SkeletonTest, OfADamagedLayerThereIsNone) {
  const WrittenLayer written = write(layer());
  const UniqueFd fd = memory_file(content_.blobs[written.descriptor.digest]);
  const auto skeleton = skeleton_of_blob(fd_stream(fd.get()), Digest::sha256_of("other"), {});
  ASSERT_FALSE(skeleton);
  EXPECT_THAT(skeleton.error().message(), HasSubstr("its content is " + written.diff_id.str()));
}

}  // namespace
}  // namespace slipway::layer
