// Trees on disk for the tests of file operations: a base layer, a source, and what an overlay mount
// shows of the result.
#pragma once

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file_io.h"
#include "base/mount.h"
#include "base/temp_dir.h"
#include "ops/file_copy.h"

namespace slipway::ops {

namespace fs = std::filesystem;

class FileOpTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: owners, overlay mounts";
    for (const char* name : {"source", "base", "upper", "work", "merged"}) {
      fs::create_directories(root() / name);
    }
  }

  fs::path root() const { return temp_->path(); }
  fs::path source() const { return root() / "source"; }
  fs::path base() const { return root() / "base"; }
  fs::path upper() const { return root() / "upper"; }
  fs::path merged() const { return root() / "merged"; }

  static void put(const fs::path& path, std::string_view text, unsigned mode = 0644) {
    fs::create_directories(path.parent_path());
    ASSERT_TRUE(write_file_atomic(path, text));
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
  }
  static struct stat lstat_of(const fs::path& path) {
    struct stat info{};
    EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
    return info;
  }

  FileTarget& target() {
    if (!target_) {
      store::OverlayLayers layers;
      layers.lower = {base()};
      layers.upper = upper();
      target_ = *FileTarget::open(layers, false);
    }
    return *target_;
  }

  Status copy(graph::FileCopy action, std::optional<Owner> owner = {}) {
    TreeRules rules;
    rules.overlay = false;
    const Tree tree = TRY(Tree::open_directory(source(), std::move(rules)));
    ThreadPool pool(2);
    return copy_files(action, owner, tree, target(), pool, {}, {});
  }
  // As the Dockerfile frontend asks for COPY.
  static graph::FileCopy action(std::string src, std::string dest) {
    graph::FileCopy copy;
    copy.src = std::move(src);
    copy.dest = std::move(dest);
    copy.follow_symlink = copy.dir_copy_contents = copy.create_dest_path = true;
    copy.allow_wildcard = true;
    return copy;
  }

  // The names that a mounted overlay shows of the result, sorted; the mount stays.
  std::vector<std::string> names() {
    EXPECT_TRUE(target().finish());
    mount_.reset();
    const std::string options = "lowerdir=" + base().string() + ",upperdir=" + upper().string() +
                                ",workdir=" + (root() / "work").string();
    Result<Mount> mount = Mount::create("overlay", merged(), "overlay", 0, options);
    if (!mount) {
      ADD_FAILURE() << mount.error().message();
      return {};
    }
    mount_ = *std::move(mount);
    std::vector<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(merged())) {
      found.push_back(entry.path().lexically_relative(merged()));
    }
    std::ranges::sort(found);
    return found;
  }
  std::string content(const std::string& path) { return *read_file(merged() / path); }

  // /var/tmp: overlay upper directories do not work on every /tmp.
  Result<TempDir> temp_ = TempDir::create("/var/tmp", "slipway-file-op-");
  std::optional<FileTarget> target_;
  std::optional<Mount> mount_;
};

}  // namespace slipway::ops
