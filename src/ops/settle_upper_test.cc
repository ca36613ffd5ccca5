// Upper directories as the kernel leaves them: a real overlay is mounted, changed and settled.
#include "ops/settle_upper.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file_io.h"
#include "base/temp_dir.h"
#include "base/test_links.h"
#include "ops/cache_wrapper.h"
#include "store/cache_merge.h"
#include "store/store.h"

namespace slipway::ops {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

class SettleUpperTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0 || !*store_->snapshotter().can_refer()) {
      GTEST_SKIP() << "overlayfs cannot refer to files here";
    }
    for (const char* name : {"image", "trash", "upper", "work", "merged"}) {
      fs::create_directories(dir(name));
    }
    add_cache("/a/c");
    cache_ = caches_.front().directory;
    write(cache_ / "file", "content");
    ::chmod((cache_ / "file").c_str(), 0640);
  }

  fs::path dir(const std::string& name) const { return root_.path() / name; }
  static void write(const fs::path& path, const std::string& content) {
    fs::create_directories(path.parent_path());
    std::ofstream(path) << content;
  }

  // One more, at a place where the image has nothing. Returns its directory.
  fs::path add_cache(const std::string& destination) {
    const std::string number = std::to_string(caches_.size() + 1);
    fs::path directory = dir("store/cache-mounts/" + number + "/.cache-" + number);
    fs::create_directories(directory);
    caches_.push_back({destination, directory});
    return directory;
  }

  // Mounts the caches, runs `change` on the merged view, settles; afterwards `changes` is what is
  // for the first cache (`changes-2` for the second).
  void change(const std::function<void(const fs::path& merged)>& change) {
    const Tree image = *Tree::open({.lower = {dir("image")}, .upper = {}, .work = {}}, {});
    std::vector<CacheWrapper> wrappers;
    store::OverlayLayers layers;
    for (const CachePlace& cache : caches_) {
      wrappers.push_back(*CacheWrapper::create(image, cache.destination, cache.directory,
                                               dir("wrapper") += numbered(wrappers.size())));
      for (const fs::path& layer : wrappers.back().layers()) layers.lower.push_back(layer);
    }
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
    auto outcomes = settle_upper(layers.upper, layers.lower, caches_, rules);
    ASSERT_TRUE(outcomes) << outcomes.error().message();
    outcomes_ = *std::move(outcomes);
    outcome_ = outcomes_.front();
    for (size_t i = 0; i < caches_.size(); ++i) {
      auto taken = wrappers[i].take_changes(layers.upper, dir("changes") += numbered(i));
      ASSERT_TRUE(taken) << taken.error().message();
    }
    for (const char* part : {"upper", "changes"}) expect_plain(dir(part));
  }
  static std::string numbered(size_t index) {
    return index == 0 ? "" : "-" + std::to_string(index + 1);
  }

  // The first cache as the next step finds it: path and content of each file, paths of directories.
  std::vector<std::string> cached() {
    if (fs::exists(dir("changes"))) {
      const auto away = [&]() -> Result<fs::path> { return dir("away") += numbered(++away_); };
      const Status merged = store::merge_changes(dir("changes"), cache_, away);
      EXPECT_TRUE(merged) << merged.error().message();
    }
    std::vector<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(cache_)) {
      const std::string path = fs::relative(entry.path(), cache_);
      found.push_back(entry.is_regular_file() ? path + "=" + *read_file(entry.path()) : path);
    }
    std::ranges::sort(found);
    return found;
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
  std::vector<CachePlace> caches_;  // the first is at /a/c
  fs::path cache_;                  // its directory
  std::vector<store::CacheMountOutcome> outcomes_;
  store::CacheMountOutcome outcome_;  // the first's
  size_t away_ = 0;
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

TEST_F(SettleUpperTest, AFileThatIsMovedAwayAndBackStays) {
  write(cache_ / "d/f", "f");
  change([](const fs::path& merged) {
    const fs::path cache = merged / "a/c";
    fs::rename(cache / "d/f", cache / "f");
    fs::remove_all(cache / "d");
    fs::create_directory(cache / "d");
    fs::rename(cache / "f", cache / "d/f");
  });
  EXPECT_THAT(cached(), ElementsAre("d", "d/f=f", "file=content"));
}

TEST_F(SettleUpperTest, ADirectoryIsMadeAnewAroundAFile) {
  write(cache_ / "d/f", "f");
  change([](const fs::path& merged) {
    const fs::path cache = merged / "a/c";
    fs::rename(cache / "d", cache / "old");
    fs::create_directory(cache / "d");
    fs::rename(cache / "old/f", cache / "d/f");
    fs::remove(cache / "old");
  });
  EXPECT_THAT(cached(), ElementsAre("d", "d/f=f", "file=content"));
}

TEST_F(SettleUpperTest, ADirectoryThatIsMovedAwayAndBackStaysWhole) {
  write(cache_ / "d/f", "f");
  write(cache_ / "d/g", "g");
  change([](const fs::path& merged) {
    fs::rename(merged / "a/c/d", merged / "a/c/x");
    fs::rename(merged / "a/c/x", merged / "a/c/d");
    fs::create_hard_link(merged / "a/c/d/f", merged / "out");
  });
  EXPECT_EQ(*read_file(dir("upper/out")), "f");
  EXPECT_THAT(cached(), ElementsAre("d", "d/f=f", "d/g=g", "file=content"));
}

TEST_F(SettleUpperTest, TheCacheItselfIsMovedAwayAndBack) {
  change([](const fs::path& merged) {
    fs::rename(merged / "a/c", merged / "a/x");
    fs::create_directory(merged / "a/c");
    fs::rename(merged / "a/x/file", merged / "a/c/file");
    fs::remove(merged / "a/x");
  });
  EXPECT_THAT(cached(), ElementsAre("file=content"));
}

TEST_F(SettleUpperTest, AMovedDirectoryKeepsItsEmptyDirectories) {
  fs::create_directories(cache_ / "d/empty");
  change([](const fs::path& merged) {
    fs::rename(merged / "a/c/d", merged / "a/c/e");
    const fs::path empty = merged / "a/c/e/empty";
    ASSERT_EQ(::chmod(empty.c_str(), stat_of(empty).st_mode & 07777), 0);  // copies it up
  });
  EXPECT_THAT(cached(), ElementsAre("e", "e/empty", "file=content"));
}

// A cache is written in place: nothing may be one file with it unless that is known.
TEST_F(SettleUpperTest, WhatComesFromTheImageIsNoFileOfACacheAndOfALayer) {
  const fs::path second = add_cache("/b");
  for (const char* path : {"image/opt/a/f", "image/opt/b/g", "image/opt/c/h"}) write(dir(path), "");
  for (const char* path : {"image/opt/b/g", "image/opt/c/h"}) {
    fs::remove(dir(path));
    fs::create_hard_link(dir("image/opt/a/f"), dir(path));
  }
  change([](const fs::path& merged) {
    fs::rename(merged / "opt/a", merged / "a/c/a");
    fs::rename(merged / "opt/b", merged / "b/b");
    fs::rename(merged / "opt/c", merged / "c");
  });
  EXPECT_EQ(stat_of(dir("changes/a/f")).st_nlink, 1u);
  EXPECT_EQ(stat_of(dir("changes-2/b/g")).st_nlink, 1u);
  EXPECT_EQ(stat_of(dir("upper/c/h")).st_nlink, 1u);
  EXPECT_FALSE(outcome_.linked_inside);
}

TEST_F(SettleUpperTest, HardLinksThatComeIntoACacheAreSo) {
  write(dir("image/opt/f"), "");
  fs::create_hard_link(dir("image/opt/f"), dir("image/opt/g"));
  change([](const fs::path& merged) { fs::rename(merged / "opt", merged / "a/c/opt"); });
  EXPECT_EQ(stat_of(dir("changes/opt/f")).st_ino, stat_of(dir("changes/opt/g")).st_ino);
  EXPECT_TRUE(outcome_.linked_inside);
}

// What switches links out of a cache off for good: a file with two names in it.
TEST_F(SettleUpperTest, AFileThatIsMovedInACacheHasOneName) {
  write(cache_ / "other", "");
  write(cache_ / "d/f", "");
  write(cache_ / "d/sub/g", "");
  write(cache_ / "old", "");
  change([](const fs::path& merged) {
    const fs::path cache = merged / "a/c";
    fs::rename(cache / "file", cache / "other");
    fs::rename(cache / "d", cache / "e");
    fs::create_hard_link(cache / "old", cache / "new");
    fs::remove(cache / "old");
  });
  EXPECT_FALSE(outcome_.linked_inside);
  EXPECT_THAT(cached(), ElementsAre("e", "e/f=", "e/sub", "e/sub/g=", "new=", "other=content"));
}

TEST_F(SettleUpperTest, AFileThatIsLinkedInACacheHasTwo) {
  change([](const fs::path& merged) {
    fs::create_hard_link(merged / "a/c/file", merged / "a/c/second");
  });
  EXPECT_TRUE(outcome_.linked_inside);
  EXPECT_EQ(stat_of(dir("changes/second")).st_ino, stat_of(cache_ / "file").st_ino);
}

TEST_F(SettleUpperTest, AFileThatIsLinkedOutOfAMovedDirectoryHasTwo) {
  write(cache_ / "d/f", "");
  change([](const fs::path& merged) {
    fs::rename(merged / "a/c/d", merged / "a/c/e");
    fs::create_hard_link(merged / "a/c/e/f", merged / "a/c/g");
  });
  EXPECT_TRUE(outcome_.linked_inside);
  EXPECT_EQ(stat_of(dir("changes/e/f")).st_ino, stat_of(dir("changes/g")).st_ino);
}

TEST_F(SettleUpperTest, WhatGoesFromOneCacheToAnotherIsOfThatOneAlone) {
  const fs::path second = add_cache("/b");
  change([](const fs::path& merged) {
    fs::create_hard_link(merged / "a/c/file", merged / "b/one");
    fs::create_hard_link(merged / "a/c/file", merged / "b/two");
    write(merged / "a/c/new", "");
    fs::create_hard_link(merged / "a/c/new", merged / "b/new");
  });
  EXPECT_EQ(stat_of(dir("changes-2/one")).st_ino, stat_of(dir("changes-2/two")).st_ino);
  EXPECT_NE(stat_of(dir("changes-2/one")).st_ino, stat_of(cache_ / "file").st_ino);
  EXPECT_NE(stat_of(dir("changes-2/new")).st_ino, stat_of(dir("changes/new")).st_ino);
  EXPECT_TRUE(outcomes_[1].linked_inside);
  EXPECT_FALSE(outcome_.linked_inside);
  EXPECT_EQ(expected_, 0);
  EXPECT_THAT(cached(), ElementsAre("file=content", "new="));
}

TEST_F(SettleUpperTest, AStepMayHaveAnyNames) {
  change([](const fs::path& merged) {
    fs::create_hard_link(merged / "a/c/file", merged / "one");
    write(merged / "one.slipway-link", "mine");
  });
  EXPECT_EQ(stat_of(dir("upper/one")).st_ino, stat_of(cache_ / "file").st_ino);
  EXPECT_EQ(*read_file(dir("upper/one.slipway-link")), "mine");
}

TEST_F(SettleUpperTest, AFileWithAsManyLinksAsItCanHaveIsCopied) {
  write(cache_ / "d/f", "f");
  if (!link_to_the_limit(cache_ / "file", dir("links"))) GTEST_SKIP() << "no limit here";
  ASSERT_TRUE(link_to_the_limit(cache_ / "d/f", dir("links-2")));
  change([](const fs::path& merged) {
    fs::create_hard_link(merged / "a/c/file", merged / "one");
    fs::create_hard_link(merged / "a/c/file", merged / "a/c/two");
    fs::rename(merged / "a/c/d", merged / "a/c/e");
  });
  EXPECT_EQ(*read_file(dir("upper/one")), "content");
  EXPECT_EQ(stat_of(dir("upper/one")).st_mode & 07777, 0640u);
  EXPECT_THAT(cached(), ElementsAre("e", "e/f=f", "file=content", "two=content"));
}

TEST_F(SettleUpperTest, PathsAreMeasured) {
  change([](const fs::path& merged) { write(merged / "a/c/dir/name", ""); });
  EXPECT_EQ(outcome_.longest_path, std::string("dir/name").size());
}

}  // namespace
}  // namespace slipway::ops
