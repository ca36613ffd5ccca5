// Upper directories as the kernel leaves them: a real overlay is mounted, changed and settled.
#include "ops/settle_upper.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file_io.h"
#include "base/temp_dir.h"
#include "ops/cache_wrapper.h"
#include "store/store.h"

namespace slipway::ops {
namespace {

namespace fs = std::filesystem;

class SettleUpperTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0 || !*store_->snapshotter().can_refer()) {
      GTEST_SKIP() << "overlayfs cannot refer to files here";
    }
    for (const char* name : {"image", "trash", "upper", "work", "merged", "store/cache-mounts/1/.cache-1"}) {
      fs::create_directories(dir(name));
    }
    cache_ = dir("store/cache-mounts/1/.cache-1");
    write(cache_ / "file", "content");
    ::chmod((cache_ / "file").c_str(), 0640);
  }

  fs::path dir(const std::string& name) const { return root_.path() / name; }
  static void write(const fs::path& path, const std::string& content) {
    fs::create_directories(path.parent_path());
    std::ofstream(path) << content;
  }

  // Mounts the cache at /a/c, runs `change` on the merged view, settles; afterwards `changes` is
  // what is for the cache.
  void change(const std::function<void(const fs::path& merged)>& change) {
    const Tree image = *Tree::open({.lower = {dir("image")}, .upper = {}, .work = {}}, {});
    const CacheWrapper wrapper = *CacheWrapper::create(image, "/a/c", cache_, dir("wrapper"));
    store::OverlayLayers layers;
    layers.lower = wrapper.layers();
    layers.lower.push_back(dir("image"));
    layers.upper = dir("upper");
    layers.work = dir("work");
    layers.refer_to_lower = true;
    {
      const Mount mount = *store_->snapshotter().mount(layers, dir("merged"));
      change(dir("merged"));
    }
    SettleRules rules;
    rules.trash = dir("trash");
    rules.expect_links = [&](size_t) -> Status {
      ++expected_;
      return {};
    };
    rules.may_link = [&](size_t, const struct stat&) -> Result<bool> { return may_link_; };
    auto outcomes = settle_upper(layers.upper, layers.lower, {{"/a/c", cache_}}, rules);
    ASSERT_TRUE(outcomes) << outcomes.error().message();
    outcome_ = outcomes->front();
    auto taken = wrapper.take_changes(layers.upper, dir("changes"));
    ASSERT_TRUE(taken) << taken.error().message();
    for (const char* part : {"upper", "changes"}) expect_plain(dir(part));
  }

  // No reference is left anywhere.
  static void expect_plain(const fs::path& tree) {
    if (!fs::exists(tree)) return;
    for (const auto& entry : fs::recursive_directory_iterator(tree)) {
      for (const char* key : {"trusted.overlay.metacopy", "trusted.overlay.redirect"}) {
        EXPECT_LT(::lgetxattr(entry.path().c_str(), key, nullptr, 0), 0) << entry.path();
      }
    }
  }
  static struct stat stat_of(const fs::path& path) {
    struct stat info{};
    EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
    return info;
  }

  TempDir root_ = *TempDir::create("/var/tmp", "slipway-settle-");
  std::unique_ptr<store::Store> store_ = *store::Store::open({root_.path() / "store", false, {}});
  fs::path cache_;
  store::CacheMountOutcome outcome_;
  int expected_ = 0;
  bool may_link_ = true;
};

TEST_F(SettleUpperTest, ALinkedFileIsALinkToTheCaches) {
  change([](const fs::path& merged) {
    fs::create_hard_link(merged / "a/c/file", merged / "one");
    fs::create_hard_link(merged / "one", merged / "two");
  });
  EXPECT_EQ(stat_of(dir("upper/one")).st_ino, stat_of(cache_ / "file").st_ino);
  EXPECT_EQ(stat_of(dir("upper/two")).st_ino, stat_of(cache_ / "file").st_ino);
  EXPECT_FALSE(fs::exists(dir("upper/a")));
  EXPECT_TRUE(fs::is_empty(dir("changes")));
  EXPECT_TRUE(outcome_.linked_outside);
  EXPECT_EQ(expected_, 1);
}

TEST_F(SettleUpperTest, WhereALinkIsNotAllowedThereIsACopy) {
  may_link_ = false;
  change([](const fs::path& merged) {
    fs::create_hard_link(merged / "a/c/file", merged / "one");
    fs::create_hard_link(merged / "one", merged / "two");
  });
  EXPECT_NE(stat_of(dir("upper/one")).st_ino, stat_of(cache_ / "file").st_ino);
  EXPECT_EQ(stat_of(dir("upper/one")).st_ino, stat_of(dir("upper/two")).st_ino);
  EXPECT_EQ(*read_file(dir("upper/one")), "content");
  EXPECT_EQ(stat_of(dir("upper/one")).st_mode & 07777, 0640u);
}

TEST_F(SettleUpperTest, MemoryMappedWritesDoNotReachTheCachesFile) {
  change([](const fs::path& merged) {
    fs::create_hard_link(merged / "a/c/file", merged / "one");
    const UniqueFd fd = *open_file(merged / "a/c/file", O_RDWR);
    void* memory = ::mmap(nullptr, 7, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
    ASSERT_NE(memory, MAP_FAILED);
    std::memcpy(memory, "CON", 3);
    ::munmap(memory, 7);
  });
  EXPECT_EQ(*read_file(cache_ / "file"), "content");
  EXPECT_EQ(*read_file(dir("upper/one")), "CONtent");
  EXPECT_EQ(*read_file(dir("changes/file")), "CONtent");
}

TEST_F(SettleUpperTest, AttributesAreChangedOnCopies) {
  write(cache_ / "time", "content");
  write(cache_ / "mode", "content");
  change([](const fs::path& merged) {
    ASSERT_EQ(::setxattr((merged / "a/c/file").c_str(), "user.key", "v", 1, 0), 0);
    ASSERT_EQ(::chmod((merged / "a/c/mode").c_str(), 04711), 0);
    const timespec times[2] = {{1, 2}, {3, 4}};
    ASSERT_EQ(::utimensat(AT_FDCWD, (merged / "a/c/time").c_str(), times, 0), 0);
  });
  EXPECT_LT(::getxattr((cache_ / "file").c_str(), "user.key", nullptr, 0), 0);
  EXPECT_EQ(::getxattr(dir("changes/file").c_str(), "user.key", nullptr, 0), 1);
  EXPECT_EQ(stat_of(dir("changes/mode")).st_mode & 07777, 04711u);
  EXPECT_EQ(stat_of(dir("changes/time")).st_mtim.tv_sec, 3);
  EXPECT_EQ(stat_of(dir("changes/time")).st_mtim.tv_nsec, 4);
  for (const char* name : {"changes/file", "changes/mode", "changes/time"}) {
    EXPECT_EQ(*read_file(dir(name)), "content");
  }
  EXPECT_FALSE(outcome_.linked_outside);
}

TEST_F(SettleUpperTest, MovedDirectoriesHaveAllEntries) {
  write(dir("image/lib/deep/file"), "image");
  fs::create_symlink("target", dir("image/lib/deep/link"));
  fs::create_hard_link(dir("image/lib/deep/file"), dir("image/lib/deep/second"));
  write(cache_ / "d/kept", "kept");
  write(cache_ / "d/removed", "removed");
  change([](const fs::path& merged) {
    fs::rename(merged / "lib", merged / "moved");
    fs::rename(merged / "moved/deep", merged / "moved/deeper");
    fs::rename(merged / "a/c/d", merged / "a/c/e");
    fs::remove(merged / "a/c/e/removed");
    write(merged / "a/c/e/new", "new");
  });
  EXPECT_EQ(*read_file(dir("upper/moved/deeper/file")), "image");
  EXPECT_EQ(fs::read_symlink(dir("upper/moved/deeper/link")), "target");
  EXPECT_EQ(stat_of(dir("upper/moved/deeper/file")).st_ino,
            stat_of(dir("upper/moved/deeper/second")).st_ino);
  EXPECT_NE(stat_of(dir("upper/moved/deeper/file")).st_ino,
            stat_of(dir("image/lib/deep/file")).st_ino);
  EXPECT_FALSE(fs::exists(dir("upper/moved/deep")));
  EXPECT_EQ(stat_of(dir("changes/e/kept")).st_ino, stat_of(cache_ / "d/kept").st_ino);
  EXPECT_EQ(*read_file(dir("changes/e/new")), "new");
  EXPECT_FALSE(fs::exists(fs::symlink_status(dir("changes/e/removed"))));
  EXPECT_TRUE(fs::is_character_file(dir("changes/d")));
}

TEST_F(SettleUpperTest, FilesChangePlacesInTheCache) {
  write(cache_ / "other", "other");
  change([](const fs::path& merged) {
    fs::rename(merged / "a/c/file", merged / "a/c/t");
    fs::rename(merged / "a/c/other", merged / "a/c/file");
    fs::rename(merged / "a/c/t", merged / "a/c/other");
  });
  EXPECT_EQ(*read_file(dir("changes/file")), "other");
  EXPECT_EQ(*read_file(dir("changes/other")), "content");
}

TEST_F(SettleUpperTest, PathsAreMeasured) {
  change([](const fs::path& merged) { write(merged / "a/c/dir/name", ""); });
  EXPECT_EQ(outcome_.longest_path, std::string("dir/name").size());
}

}  // namespace
}  // namespace slipway::ops
