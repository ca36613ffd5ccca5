// RUN on real snapshots, in real containers.
#include "ops/exec_runner.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file_io.h"
#include "ops/exec_test_fixture.h"
#include "source/file_tree.h"

namespace slipway::ops {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ExecRunnerTest : public ExecFixture {
 protected:
  // An image of nothing but programs.
  solver::StepResult commit_bare_tree() {
    const fs::path tree = machine.directory() / "bare";
    fs::create_directories(tree);
    fs::copy(machine.rootfs() / "bin", tree / "bin",
             fs::copy_options::recursive | fs::copy_options::copy_symlinks);
    return commit_tree(tree);
  }
};

TEST_F(ExecRunnerTest, LayerHoldsWhatTheStepWroteAndNothingElse) {
  graph::ExecOp exec = op("echo hello; echo new > /etc/new; rm /etc/group; touch /home/file");
  exec.mounts.push_back(mount(graph::MountType::Cache, "/root/.cache/uv"));
  exec.mounts.back().cache = graph::CacheOpt{"uv"};
  exec.mounts.push_back(mount(graph::MountType::Tmpfs, "/scratch/deep"));
  const auto results = run(exec);
  ASSERT_TRUE(results) << results.error().message();
  ASSERT_EQ(results->size(), 1u);
  EXPECT_EQ(log.text, "hello\n");
  EXPECT_THAT(tree_of(layer_of(results->front())),
              ElementsAre("etc", "etc/group", "etc/new", "home", "home/file"));
  EXPECT_TRUE(fs::is_character_file(layer_of(results->front()) / "etc/group"));  // whiteout
}

TEST_F(ExecRunnerTest, StepThatWritesNothingHasAnEmptyLayer) {
  graph::ExecOp exec = op("cat /etc/hosts /etc/resolv.conf >/dev/null");
  exec.mounts.push_back(mount(graph::MountType::Cache, "/root/.cache/uv"));
  exec.mounts.back().cache = graph::CacheOpt{"uv"};
  const auto results = run(exec);
  ASSERT_TRUE(results) << results.error().message();
  EXPECT_THAT(tree_of(layer_of(results->front())), IsEmpty());
}

// As with BuildKit: its runtime makes these three, and it takes only those of other mounts away.
TEST_F(ExecRunnerTest, FirstStepOnAnImageWithoutProcDevAndSysAddsThem) {
  base = commit_bare_tree();
  graph::ExecOp exec = op("echo >/dev/null && cat /etc/hosts /proc/self/stat >/dev/null");
  exec.mounts.push_back(mount(graph::MountType::Tmpfs, "/run/deep"));
  const auto first = run(exec);
  ASSERT_TRUE(first) << first.error().message();
  EXPECT_THAT(tree_of(layer_of(first->front())), ElementsAre("dev", "proc", "sys"));
  base = first->front();
  const auto second = run(exec);
  ASSERT_TRUE(second) << second.error().message();
  EXPECT_THAT(tree_of(layer_of(second->front())), IsEmpty());
}

TEST_F(ExecRunnerTest, DevIsTakenAwayAgainWhenTheStepAskedForAMountInIt) {
  base = commit_bare_tree();
  for (const int64_t size : {0, 8 << 20}) {
    graph::ExecOp exec = op("echo >/dev/shm/file");
    exec.mounts.push_back(mount(graph::MountType::Tmpfs, "/dev/shm"));
    exec.mounts.back().tmpfs = graph::TmpfsOpt{size};
    const auto results = run(exec);
    ASSERT_TRUE(results) << results.error().message();
    EXPECT_THAT(tree_of(layer_of(results->front())), ElementsAre("proc", "sys")) << size;
  }
}

TEST_F(ExecRunnerTest, FailureReadsAsBuildKitsAndLeavesNoSnapshot) {
  const auto result = run(op("echo \"last words\"; exit 3"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::StepFailed);
  EXPECT_EQ(result.error().message(),
            R"(process "/bin/sh -c echo \"last words\"; exit 3" did not complete successfully: )"
            "exit code: 3");
  EXPECT_EQ(log.text, "last words\n");
}

TEST_F(ExecRunnerTest, OtherExitCodesCanBeValid) {
  graph::ExecOp exec = op("exit 4");
  exec.valid_exit_codes = {0, 4};
  EXPECT_TRUE(run(exec));
  exec.valid_exit_codes = {5};
  EXPECT_THAT(error_of(exec), HasSubstr("exit code: 4"));
}

TEST_F(ExecRunnerTest, BindMountsShowTheSelectedPartOfAnInput) {
  const solver::StepResult other = commit_file("dir/file", "content");
  graph::ExecOp exec = op("cat /mnt/file /single; touch /mnt/x || true; touch /rw/discarded");
  exec.mounts.push_back(bind(1, "dir", "/mnt", true));
  exec.mounts.push_back(bind(1, "/dir/file", "/single", true));
  exec.mounts.push_back(bind(1, "", "/rw", false));
  const auto results = run(exec, {other});
  ASSERT_TRUE(results) << results.error().message() << log.text;
  EXPECT_THAT(log.text, HasSubstr("contentcontent"));
  EXPECT_THAT(log.text, HasSubstr("Read-only file system"));
  EXPECT_THAT(tree_of(layer_of(results->front())), IsEmpty());
  EXPECT_THAT(tree_of(layer_of(other)), ElementsAre("dir", "dir/file"));
}

TEST_F(ExecRunnerTest, SelectorThatIsNotThereIsNamed) {
  graph::ExecOp exec = op("true");
  exec.mounts.push_back(bind(1, "/nowhere", "/mnt", true));
  EXPECT_EQ(error_of(exec, {commit_file("a", "")}), "mount /mnt: \"/nowhere\": not found");
}

TEST_F(ExecRunnerTest, SelectorsCannotLeaveTheirInput) {
  const fs::path tree = machine.directory() / "hostile";
  fs::create_directories(tree / "in");
  fs::create_symlink("/../../../../../../etc", tree / "link");
  fs::create_directories(tree / "etc");
  std::ofstream(tree / "etc/inside") << "x";
  graph::ExecOp exec = op("ls /mnt");
  exec.mounts.push_back(bind(1, "link", "/mnt", true));
  ASSERT_TRUE(run(exec, {commit_tree(tree)}));
  EXPECT_EQ(log.text, "inside\n");
}

TEST_F(ExecRunnerTest, ContextsAreMountedAsTheBuildSeesThem) {
  const fs::path directory = machine.directory() / "context";
  fs::create_directories(directory / "src");
  std::ofstream(directory / "src/main.c") << "int main;";
  std::ofstream(directory / "src/ignored.o") << "x";
  ASSERT_EQ(::chown((directory / "src/main.c").c_str(), 1234, 1234), 0);
  contexts.add("ctx", *source::FileTree::open(
                          directory, {.ignore_patterns = {"**/*.o"}, .normalize_owner = true}));
  graph::ExecOp exec = op("ls /src; stat -c %u:%g /src/main.c; cat /one; rm /src/main.c");
  exec.mounts.push_back(bind(1, "/src", "/src", false));
  exec.mounts.push_back(bind(1, "src/main.c", "/one", true));
  const auto results = run(exec, {{LocalContexts::to_result_id("ctx"), nullptr}});
  ASSERT_TRUE(results) << results.error().message();
  EXPECT_EQ(log.text, "main.c\n0:0\nint main;");
  EXPECT_TRUE(fs::exists(directory / "src/main.c"));
}

TEST_F(ExecRunnerTest, WritableMountsCanBeOutputs) {
  graph::ExecOp exec = op("echo more > /out/sub/new; echo root > /root/file");
  exec.mounts.push_back(bind(1, "", "/out", false));
  exec.mounts.back().output = 1;
  const auto results = run(exec, {commit_file("sub/old", "")});
  ASSERT_TRUE(results) << results.error().message();
  ASSERT_EQ(results->size(), 2u);
  EXPECT_THAT(tree_of(layer_of((*results)[0])), ElementsAre("root", "root/file"));
  EXPECT_THAT(tree_of(layer_of((*results)[1])), ElementsAre("sub", "sub/new"));
}

TEST_F(ExecRunnerTest, CacheMountsKeepWhatStepsWrite) {
  graph::ExecOp write = op("echo kept > /c/file");
  write.mounts.push_back(mount(graph::MountType::Cache, "/c"));
  write.mounts.back().cache = graph::CacheOpt{"id"};
  ASSERT_TRUE(run(write));
  graph::ExecOp read = op("cat /d/file");
  read.mounts.push_back(mount(graph::MountType::Cache, "/d"));
  read.mounts.back().cache = graph::CacheOpt{"id"};
  ASSERT_TRUE(run(read)) << log.text;
  EXPECT_EQ(log.text, "kept\n");
}

TEST_F(ExecRunnerTest, CacheStartsFromTheSelectedPartOfItsInputOnce) {
  const fs::path tree = machine.directory() / "seed";
  fs::create_directories(tree / "dir");
  std::ofstream(tree / "dir/seed") << "seed";
  ASSERT_EQ(::chown((tree / "dir").c_str(), 12, 34), 0);
  ASSERT_EQ(::chmod((tree / "dir").c_str(), 0700), 0);
  auto active = *store->snapshotter().prepare({});
  ASSERT_EQ(
      std::system(
          fmt::format("cp -a {}/. {}", tree.string(), active->layers().upper.string()).c_str()),
      0);
  const store::SnapshotId id = *active->commit();
  const solver::StepResult seed{store::to_result_id(id), *store->snapshotter().pin(id)};

  graph::ExecOp exec = op("ls /c; stat -c '%u:%g %a' /c; touch /c/added");
  exec.mounts.push_back(bind(1, "/dir", "/c", false));
  exec.mounts.back().type = graph::MountType::Cache;
  exec.mounts.back().cache = graph::CacheOpt{"seeded"};
  ASSERT_TRUE(run(exec, {seed}));
  EXPECT_EQ(log.text, "seed\n12:34 700\n");
  ASSERT_TRUE(run(exec, {seed}));
  EXPECT_EQ(log.text, "added\nseed\n12:34 700\n");
  EXPECT_THAT(tree_of(layer_of(seed)), ElementsAre("dir", "dir/seed"));
}

TEST_F(ExecRunnerTest, OneLockedCacheCanBeMountedTwiceByAStep) {
  graph::ExecOp exec = op("echo shared > /a/file; cat /b/file");
  for (const char* destination : {"/a", "/b"}) {
    exec.mounts.push_back(mount(graph::MountType::Cache, destination));
    exec.mounts.back().cache = graph::CacheOpt{"twice", graph::CacheSharing::Locked};
  }
  ASSERT_TRUE(run(exec));
  EXPECT_EQ(log.text, "shared\n");
}

TEST_F(ExecRunnerTest, SecretsAsFilesAndAsVariables) {
  graph::ExecOp exec = op("cat /run/secrets/token; stat -c ' %a %u' /run/secrets/token; echo $T");
  exec.mounts.push_back(mount(graph::MountType::Secret, "/run/secrets/token"));
  exec.mounts.back().secret = graph::SecretOpt{"token", 7, 0, 0400, false};
  exec.secret_env = {{"token", "T", false}, {"absent", "A", true}};
  const auto results = run(exec);
  ASSERT_TRUE(results) << results.error().message();
  EXPECT_EQ(log.text, "s3cret 400 7\ns3cret\n");
  EXPECT_THAT(tree_of(layer_of(results->front())), IsEmpty());
}

TEST_F(ExecRunnerTest, MissingSecretsAndAgentsFailUnlessOptional) {
  graph::ExecOp exec = op("ls /run/secrets /run/agent 2>&1");
  exec.mounts.push_back(mount(graph::MountType::Secret, "/run/secrets/absent"));
  exec.mounts.back().secret = graph::SecretOpt{"absent", 0, 0, 0400, false};
  EXPECT_EQ(error_of(exec), "mount /run/secrets/absent: secret absent: not found");
  exec.mounts.back().secret->optional = true;
  exec.mounts.push_back(mount(graph::MountType::Ssh, "/run/agent"));
  exec.mounts.back().ssh = graph::SshOpt{"", 0, 0, 0600, false};
  EXPECT_THAT(error_of(exec), HasSubstr("no SSH key \"default\""));
  exec.mounts.back().ssh->optional = true;
  EXPECT_THAT(error_of(exec), HasSubstr("exit code: 1"));
  EXPECT_THAT(log.text, HasSubstr("/run/secrets: No such file"));
}

TEST_F(ExecRunnerTest, SharedMemorySizeArrivesAsATmpfs) {
  graph::ExecOp exec = op("df -k /dev/shm | grep -c ' 8192 '; grep -c /dev/shm /proc/self/mounts");
  exec.mounts.push_back(mount(graph::MountType::Tmpfs, "/dev/shm"));
  exec.mounts.back().tmpfs = graph::TmpfsOpt{8 << 20};
  ASSERT_TRUE(run(exec));
  EXPECT_EQ(log.text, "1\n1\n");
}

TEST_F(ExecRunnerTest, ProxyVariablesAndDefaultPath) {
  graph::ExecOp exec = op("echo $http_proxy $HTTP_PROXY $PATH");
  exec.env.clear();
  exec.proxy_env = graph::ProxyEnv{.http_proxy = "http://p"};
  ASSERT_TRUE(run(exec));
  EXPECT_EQ(log.text,
            "http://p http://p /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n");
}

TEST_F(ExecRunnerTest, PrivilegesMustBeAllowed) {
  graph::ExecOp exec = op("grep ^Seccomp: /proc/self/status");
  exec.security = graph::SecurityMode::Insecure;
  EXPECT_EQ(error_of(exec), "security.insecure is not allowed");
  graph::ExecOp host = op("true");
  host.network = graph::NetMode::Host;
  EXPECT_EQ(error_of(host), "network.host is not allowed");
  make_runner({.allow_insecure = true, .allow_host_network = true});
  EXPECT_TRUE(run(exec));
  EXPECT_EQ(log.text, "Seccomp:\t0\n");
  EXPECT_TRUE(run(host));
}

TEST_F(ExecRunnerTest, StepsGetTheDevicesThatAreAllowedAndTheirKeyKnows) {
  const fs::path directory = machine.directory() / "cdi";
  fs::create_directories(directory);
  graph::ExecOp exec = op("echo $DEVICE");
  exec.cdi_devices = {{"v.c/x", true}};
  const auto key_of = [&](const graph::ExecOp& wanted) {
    graph::Vertex vertex;
    vertex.op = wanted;
    vertex.inputs.resize(1);
    progress::VertexReporter reporter(log, {});
    return runner->cache_map({vertex, reporter, {}})->digest;
  };
  executor::CdiDevices devices;
  const auto look_again = [&](const ExecOptions& options) {
    devices = executor::CdiDevices::read({directory});
    runner = *ExecRunner::create({*store, machine.executor(), contexts, secrets, secrets, pool,
                                  false, [&]() -> const auto& { return devices; }},
                                 options);
  };
  look_again({});
  EXPECT_EQ(key_of(exec), key_of(op("echo $DEVICE")));
  EXPECT_TRUE(run(exec));
  EXPECT_EQ(log.text, "\n");

  std::ofstream(directory / "x.yaml")
      << "cdiVersion: 0.6.0\nkind: v.c/x\n"
         "devices: [{name: d, containerEdits: {env: [DEVICE=d]}}]\n";
  look_again({});
  EXPECT_EQ(error_of(exec), "device v.c/x=d is requested by the build but not allowed");
  ExecOptions options;
  options.devices.all = true;
  look_again(options);
  EXPECT_NE(key_of(exec), key_of(op("echo $DEVICE")));
  EXPECT_TRUE(run(exec));
  EXPECT_EQ(log.text, "d\n");
  exec.cdi_devices = {{"v.c/y", false}};
  EXPECT_EQ(error_of(exec), "device v.c/y is required, but there is none on this machine");
}

TEST_F(ExecRunnerTest, ReadOnlyRootCannotBeWritten) {
  graph::ExecOp exec = op("touch /etc/x");
  exec.mounts.front().readonly = true;
  exec.mounts.front().output = graph::kNone;
  EXPECT_THAT(error_of(exec), HasSubstr("exit code: 1"));
  EXPECT_THAT(log.text, HasSubstr("Read-only file system"));
}

TEST_F(ExecRunnerTest, ContentDigestFollowsTheSelectionOnly) {
  graph::Vertex vertex;
  graph::ExecOp exec = op("true");
  exec.mounts.push_back(bind(1, "a", "/mnt", true));
  vertex.op = exec;
  vertex.inputs.resize(2);
  progress::VertexReporter reporter(log, {});
  const auto digest_of = [&](const solver::StepResult& input) {
    return *runner->content_digest({vertex, reporter, {}}, 1, input);
  };
  const Digest digest = digest_of(commit_file("a", "same"));
  const fs::path tree = machine.directory() / "other";
  fs::create_directories(tree);
  std::ofstream(tree / "a") << "same";
  std::ofstream(tree / "unselected") << "more";
  EXPECT_EQ(digest_of(commit_tree(tree)), digest);
  EXPECT_NE(digest_of(commit_file("a", "other")), digest);
}

}  // namespace
}  // namespace slipway::ops
