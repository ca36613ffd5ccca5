// Cache mounts that steps link out of (docs/cache-mounts.md), in real containers.
#include <sys/stat.h>

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file_io.h"
#include "ops/exec_test_fixture.h"

namespace slipway::ops {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class LinkedCachesTest : public ExecFixture {
 protected:
  void SetUp() override {
    ExecFixture::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    if (!*store->snapshotter().can_refer()) GTEST_SKIP() << "overlayfs cannot refer to files here";
  }

  static void add_cache(graph::ExecOp& exec, const std::string& path, const std::string& id = "id",
                        graph::CacheSharing sharing = graph::CacheSharing::Shared) {
    exec.mounts.push_back(mount(graph::MountType::Cache, path));
    exec.mounts.back().cache = graph::CacheOpt{id, sharing};
  }
  static graph::ExecOp step(const std::string& script, const std::string& path = "/c",
                            const std::string& id = "id") {
    graph::ExecOp exec = op("set -e; " + script);
    add_cache(exec, path, id);
    return exec;
  }
  // Runs the step; it must succeed. The layer it made.
  fs::path layer(graph::ExecOp exec) {
    auto results = run(std::move(exec));
    EXPECT_TRUE(results) << (results ? "" : results.error().message()) << log.text;
    if (!results) return {};
    kept.push_back(results->front());
    return layer_of(results->front());
  }
  // Of a later step on the same base: the cache as the next one finds it.
  std::string shows(const std::string& script) {
    layer(step(script));
    return log.text;
  }
  fs::path cache(int64_t id = 1) { return store->cache_mounts().directory(id); }
  static struct stat stat_of(const fs::path& path) {
    struct stat info{};
    EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
    return info;
  }
  static bool is_one_file(const fs::path& a, const fs::path& b) {
    return stat_of(a).st_ino == stat_of(b).st_ino;
  }

  std::vector<solver::StepResult> kept;
};

constexpr char kIsMounted[] = "grep -c ' /c ' /proc/self/mounts || true";

TEST_F(LinkedCachesTest, ALinkToACachedFileIsTheFile) {
  layer(step("echo content > /c/file"));
  const fs::path made = layer(step("ln /c/file /linked"));
  EXPECT_THAT(tree_of(made), ElementsAre("linked"));
  EXPECT_TRUE(is_one_file(made / "linked", cache() / "file"));
  EXPECT_EQ(*read_file(made / "linked"), "content\n");
}

TEST_F(LinkedCachesTest, AFileCanBeCachedAndLinkedInOneStep) {
  const fs::path made = layer(step("mkdir /c/d; echo content > /c/d/file; ln /c/d/file /linked"));
  EXPECT_THAT(tree_of(made), ElementsAre("linked"));
  EXPECT_TRUE(is_one_file(made / "linked", cache() / "d/file"));
}

TEST_F(LinkedCachesTest, NothingChangesALinkedFile) {
  layer(step("echo content > /c/file; chmod 640 /c/file; touch -d '2020-01-01 00:00' /c/file"));
  const fs::path made = layer(step("ln /c/file /linked"));
  const struct stat before = stat_of(made / "linked");
  const std::pair<const char*, const char*> changes[] = {
      {"echo more >> /c/file", "content\nmore\n"},
      {": > /c/file", ""},
      {"echo CON > /tmp-x; dd if=/tmp-x of=/c/file conv=notrunc 2>/dev/null", "CON\n"},
      {"chmod 777 /c/file", nullptr},
      {"chown 5:6 /c/file", nullptr},
      {"touch /c/file", nullptr},
      {"ln /c/file /again; chmod 600 /again", nullptr},
      {"echo over > /c/new; mv /c/new /c/file", "over\n"},
      {"rm /c/file", nullptr},
      {"echo anew > /c/file", "anew\n"},
  };
  for (const auto& [script, content] : changes) {
    layer(step(script));
    EXPECT_EQ(*read_file(made / "linked"), "content\n") << script;
    const struct stat after = stat_of(made / "linked");
    EXPECT_EQ(after.st_ino, before.st_ino);
    EXPECT_EQ(after.st_mode, before.st_mode) << script;
    EXPECT_EQ(after.st_uid, before.st_uid) << script;
    EXPECT_EQ(after.st_mtim.tv_sec, before.st_mtim.tv_sec) << script;
    if (content != nullptr) {
      EXPECT_EQ(*read_file(cache() / "file"), content) << script;
    }
  }
}

TEST_F(LinkedCachesTest, AttributesChangedAfterLinkingAreOfBothNames) {
  layer(step("echo content > /c/file; chmod 644 /c/file"));
  const fs::path first = layer(step("ln /c/file /linked"));
  const fs::path second = layer(step("ln /c/file /linked; chmod 4750 /linked; chown 7 /linked"));
  EXPECT_EQ(stat_of(first / "linked").st_mode & 07777, 0644u);
  EXPECT_EQ(stat_of(second / "linked").st_mode & 07777, 0750u);  // chown takes the bit away
  EXPECT_EQ(stat_of(second / "linked").st_uid, 7u);
  EXPECT_EQ(*read_file(second / "linked"), "content\n");
  EXPECT_TRUE(is_one_file(second / "linked", cache() / "file"));
}

TEST_F(LinkedCachesTest, WritingThroughTheLinkWritesTheCacheToo) {
  layer(step("echo content > /c/file"));
  const fs::path made = layer(step("ln /c/file /linked; echo more >> /linked"));
  EXPECT_EQ(*read_file(made / "linked"), "content\nmore\n");
  EXPECT_EQ(*read_file(cache() / "file"), "content\nmore\n");
}

TEST_F(LinkedCachesTest, DirectoriesAreMovedAndFilesRemoved) {
  layer(step("mkdir -p /c/a/b /c/gone/deep; echo 1 > /c/a/b/file; touch /c/gone/deep/x /c/single"));
  const fs::path made =
      layer(step("mv /c/a /c/moved; echo 2 > /c/moved/b/new; rm -r /c/gone /c/single; "
                 "ln /c/moved/b/file /linked"));
  EXPECT_THAT(tree_of(cache()), ElementsAre("moved", "moved/b", "moved/b/file", "moved/b/new"));
  EXPECT_THAT(tree_of(made), ElementsAre("linked"));
  EXPECT_TRUE(is_one_file(made / "linked", cache() / "moved/b/file"));
  EXPECT_EQ(shows("cat /c/moved/b/file /c/moved/b/new"), "1\n2\n");
}

TEST_F(LinkedCachesTest, ADirectoryIsReplaced) {
  layer(step("mkdir /c/d; touch /c/d/old"));
  layer(step("rm -r /c/d; mkdir /c/d; touch /c/d/new"));
  EXPECT_THAT(tree_of(cache()), ElementsAre("d", "d/new"));
}

TEST_F(LinkedCachesTest, FilesMoveOutOfTheCacheAndIntoIt) {
  layer(step("mkdir /c/d; echo out > /c/file; echo deep > /c/d/file"));
  const fs::path made =
      layer(step("mv /c/file /file; mv /c/d /d; mv /etc/group /c/group; mv /home /c/home"));
  EXPECT_EQ(*read_file(made / "file"), "out\n");
  EXPECT_EQ(*read_file(made / "d/file"), "deep\n");
  EXPECT_THAT(tree_of(cache()), ElementsAre("group", "home", "home/builder"));
  EXPECT_EQ(*read_file(cache() / "group"), *read_file(machine.rootfs() / "etc/group"));
  EXPECT_NE(stat_of(cache() / "group").st_ino, stat_of(layer_of(base) / "etc/group").st_ino);
  EXPECT_TRUE(fs::is_character_file(made / "home"));
}

TEST_F(LinkedCachesTest, AMovedDirectoryOfTheImageIsWholeInTheLayer) {
  layer(step("true"));
  const fs::path made =
      layer(step("mv /etc /moved; echo x > /moved/new; rm /moved/group; mkdir /etc"));
  EXPECT_EQ(*read_file(made / "moved/passwd"), *read_file(machine.rootfs() / "etc/passwd"));
  EXPECT_FALSE(fs::exists(fs::symlink_status(made / "moved/group")));
  base = kept.back();
  layer(op("test -f /moved/passwd; test -f /moved/new; test ! -e /moved/group; ls /etc"));
  EXPECT_EQ(log.text, "hosts\nresolv.conf\n");  // mounts
}

TEST_F(LinkedCachesTest, TheImagesOwnFilesAreHiddenAndStay) {
  const fs::path tree = machine.directory() / "filled";
  fs::create_directories(tree / "c/sub");
  std::ofstream(tree / "c/image") << "image";
  fs::copy(machine.rootfs(), tree, fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  base = commit_tree(tree);
  const fs::path made =
      layer(step("ls /c; touch /c/cached; rmdir /c/sub 2>/dev/null || echo none"));
  EXPECT_EQ(log.text, "none\n");
  EXPECT_THAT(tree_of(made), IsEmpty());
  base = kept.back();
  layer(op("ls /c"));
  EXPECT_EQ(log.text, "image\nsub\n");
}

TEST_F(LinkedCachesTest, TheWayToTheCacheStaysAsItWas) {
  ASSERT_EQ(::chmod((layer_of(base) / "root").c_str(), 0700), 0);
  layer(step("stat -c %a /root; echo x > /root/.cache/tool/file", "/root/.cache/tool"));
  EXPECT_EQ(log.text, "700\n");
  EXPECT_THAT(tree_of(layer_of(kept.back())), IsEmpty());
  const fs::path made =
      layer(step("echo y > /root/.cache/tool/other; touch /root/.cache/own", "/root/.cache/tool"));
  EXPECT_THAT(tree_of(made), ElementsAre("root", "root/.cache", "root/.cache/own"));
  EXPECT_EQ(stat_of(made / "root").st_mode & 07777, 0700u);
  EXPECT_EQ(stat_of(made / "root/.cache").st_mode & 07777, 0755u);
}

TEST_F(LinkedCachesTest, ACacheLiesWhereASymlinkOfTheImageLeads) {
  layer(op("mkdir /real; ln -s /real /link"));
  base = kept.back();
  layer(step("echo content > /link/c/file; ln /real/c/file /linked", "/link/c"));
  EXPECT_THAT(tree_of(layer_of(kept.back())), ElementsAre("linked"));
  EXPECT_TRUE(is_one_file(layer_of(kept.back()) / "linked", cache() / "file"));
}

TEST_F(LinkedCachesTest, TwoCachesInOneStep) {
  graph::ExecOp exec =
      op("echo 1 > /a/x/file; echo 2 > /a/y/file; ln /a/x/file /1; ln /a/y/file /2");
  add_cache(exec, "/a/x", "x");
  add_cache(exec, "/a/y", "y");
  layer(exec);
  exec.args.back() = "set -e; ln /a/x/file /1; ln /a/y/file /2; ln /a/x/file /a/y/from-x";
  const fs::path made = layer(exec);
  EXPECT_THAT(tree_of(made), ElementsAre("1", "2"));
  EXPECT_TRUE(is_one_file(made / "1", cache(1) / "file") ||
              is_one_file(made / "1", cache(2) / "file"));
  EXPECT_EQ(*read_file(made / "2"), "2\n");
  EXPECT_EQ(shows("true"), "");
  layer(step("cat /c/file /c/from-x", "/c", "y"));
  EXPECT_EQ(log.text, "2\n1\n");
}

TEST_F(LinkedCachesTest, ACacheInACache) {
  graph::ExecOp exec = op("echo outer > /c/file; echo inner > /c/in/file; ls /c");
  add_cache(exec, "/c", "outer");
  add_cache(exec, "/c/in", "inner");
  const fs::path made = layer(exec);
  EXPECT_THAT(tree_of(made), IsEmpty());
  layer(step("ls /c; cat /c/file", "/c", "outer"));
  EXPECT_EQ(log.text, "file\nouter\n");
  layer(step("cat /c/file", "/c", "inner"));
  EXPECT_EQ(log.text, "inner\n");
}

TEST_F(LinkedCachesTest, AFailedStepLeavesItsCacheAndNothingElse) {
  layer(step("echo old > /c/file"));
  EXPECT_FALSE(run(step("echo new > /c/file; ln /c/file /linked; exit 1")));
  EXPECT_EQ(shows("cat /c/file"), "new\n");
}

TEST_F(LinkedCachesTest, ARemovedMountPointIsAnEmptyCache) {
  layer(step("mkdir /c/d; touch /c/d/x; chmod 750 /c"));
  const fs::path made = layer(step("rm -rf /c"));
  EXPECT_THAT(tree_of(made), IsEmpty());
  EXPECT_EQ(shows("ls /c; stat -c %a /c"), "750\n");
}

TEST_F(LinkedCachesTest, ACacheThatNobodyLinksFromIsMountedInTheEnd) {
  std::string seen;
  for (int i = 0; i < 5; ++i) seen += shows(kIsMounted);
  EXPECT_EQ(seen, "0\n0\n0\n1\n1\n");
}

TEST_F(LinkedCachesTest, ACacheThatIsLinkedFromStaysInTheRoot) {
  layer(step("echo content > /c/file; ln /c/file /linked"));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(shows(kIsMounted), "0\n");
}

// Below a mount of the step it cannot lie in the root; it is protected all the same.
TEST_F(LinkedCachesTest, ALinkedCacheBelowAMountIsNotWrittenInPlace) {
  const fs::path made = layer(step("echo content > /c/file; mkdir /c/d; ln /c/file /linked"));
  graph::ExecOp exec = op("echo changed > /mnt/c/file; mv /mnt/c/d /mnt/c/e; touch /mnt/c/e/x");
  exec.mounts.push_back(mount(graph::MountType::Tmpfs, "/mnt"));
  add_cache(exec, "/mnt/c");
  EXPECT_THAT(tree_of(layer(exec)), IsEmpty());
  EXPECT_EQ(*read_file(made / "linked"), "content\n");
  EXPECT_EQ(*read_file(cache() / "file"), "changed\n");
  EXPECT_THAT(tree_of(cache()), ElementsAre("e", "e/x", "file"));
}

TEST_F(LinkedCachesTest, ALinkedCacheAtTwoPlacesIsOneCache) {
  const fs::path made = layer(step("echo content > /c/file; ln /c/file /linked"));
  graph::ExecOp exec = op("echo changed > /a/file; cat /b/file");
  add_cache(exec, "/a");
  add_cache(exec, "/b");
  layer(exec);
  EXPECT_EQ(log.text, "changed\n");
  EXPECT_EQ(*read_file(made / "linked"), "content\n");
}

TEST_F(LinkedCachesTest, AReadOnlyCacheIsOnlyRead) {
  layer(step("echo content > /c/file; ln /c/file /linked"));
  graph::ExecOp exec = step("cat /c/file; touch /c/x 2>&1 || true");
  exec.mounts.back().readonly = true;
  layer(exec);
  EXPECT_THAT(log.text, HasSubstr("content\n"));
  EXPECT_THAT(log.text, HasSubstr("Read-only"));
}

// A privileged step mounts it as it likes.
TEST_F(LinkedCachesTest, APrivilegedStepDoesNotGetAtLinkedFiles) {
  make_runner({.allow_insecure = true});
  const fs::path made = layer(step("echo content > /c/file; ln /c/file /linked"));
  graph::ExecOp exec = step("mount -o remount,rw,bind /c; echo changed > /c/file");
  exec.security = graph::SecurityMode::Insecure;
  exec.mounts.back().readonly = true;
  layer(exec);
  EXPECT_EQ(*read_file(made / "linked"), "content\n");
  EXPECT_EQ(*read_file(cache() / "file"), "changed\n");
}

// One file of the cache has one name in a stack of layers: a second one would be a hard link for
// whoever reads the whole.
TEST_F(LinkedCachesTest, AStackHasAFileOfTheCacheOnce) {
  const fs::path below = layer(step("echo content > /c/file; ln /c/file /first"));
  const solver::StepResult other_base = base;
  base = kept.back();
  const fs::path above = layer(step("ln /c/file /second"));
  EXPECT_FALSE(is_one_file(below / "first", above / "second"));
  EXPECT_EQ(*read_file(above / "second"), "content\n");
  base = other_base;
  EXPECT_TRUE(is_one_file(below / "first", layer(step("ln /c/file /third")) / "third"));
}

class TwoStepsTest : public LinkedCachesTest {
 protected:
  // Both at once; each must succeed.
  void run_both(const graph::ExecOp& a, const graph::ExecOp& b) {
    std::jthread first([&] { run_alone(a); });
    std::jthread second([&] { run_alone(b); });
  }
  void run_alone(graph::ExecOp exec) {
    ExecLog own_log;
    graph::Vertex vertex;
    vertex.op = std::move(exec);
    vertex.inputs.resize(1);
    progress::VertexReporter reporter(own_log, {});
    const auto result = runner->run({vertex, reporter, {}}, {base});
    EXPECT_TRUE(result) << (result ? "" : result.error().message()) << own_log.text;
  }
  static std::string wait_for(const std::string& path) {
    return "i=0; until [ -e " + path + " ]; do i=$((i+1)); [ $i -lt 600 ]; sleep 0.05; done; ";
  }
};

TEST_F(TwoStepsTest, StepsThatShareACacheSeeEachOther) {
  run_both(step("touch /c/a; " + wait_for("/c/b") + "echo x > /c/a2"),
           step(wait_for("/c/a") + "touch /c/b; " + wait_for("/c/a2")));
  EXPECT_THAT(tree_of(cache()), ElementsAre("a", "a2", "b"));
}

TEST_F(TwoStepsTest, SoDoStepsThatShareOneNobodyLinksFrom) {
  for (int i = 0; i < 3; ++i) layer(step("true"));
  run_both(step("touch /c/a; " + wait_for("/c/b")), step(wait_for("/c/a") + "touch /c/b"));
  EXPECT_THAT(tree_of(cache()), ElementsAre("a", "b"));
}

TEST_F(TwoStepsTest, ALinkedCacheIsUsedByOneAfterTheOther) {
  layer(step("echo content > /c/file; ln /c/file /linked"));
  const std::string alone = "mkdir /c/lock; sleep 0.3; rmdir /c/lock; ln /c/file /linked";
  run_both(step(alone), step(alone));
}

// Each needs what the other might have: neither waits for ever.
TEST_F(TwoStepsTest, StepsWithSeveralCachesDoNotBlockEachOther) {
  layer(step("echo content > /c/file; ln /c/file /linked", "/c", "linked"));
  graph::ExecOp first = op("touch /new/a; sleep 0.2; ln /linked/file /x");
  add_cache(first, "/new", "new");
  add_cache(first, "/linked", "linked");
  graph::ExecOp second = first;
  second.args.back() = "sleep 0.1; touch /new/b";
  run_both(first, second);
  EXPECT_THAT(tree_of(cache(2)), ElementsAre("a", "b"));
}

}  // namespace
}  // namespace slipway::ops
