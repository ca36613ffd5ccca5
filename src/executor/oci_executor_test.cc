// Steps in real containers: what they see, what they may do, and what they leave.
#include "executor/oci_executor.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file_io.h"
#include "base/test_processes.h"
#include "base/text.h"
#include "executor/test_rootfs.h"

namespace slipway::executor {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;

class OciExecutorTest : public testing::Test {
 protected:
  void SetUp() override {
    if (machine.missing().empty()) return;
    if (::geteuid() == 0) FAIL() << machine.missing();
    GTEST_SKIP() << machine.missing();
  }
  TestMachine machine;
};

// Names of all entries below the rootfs but for the programs.
std::vector<std::string> tree_of(const TestMachine& machine) {
  std::vector<std::string> paths;
  for (const auto& entry : fs::recursive_directory_iterator(machine.rootfs())) {
    const std::string path = fs::relative(entry.path(), machine.rootfs());
    if (!path.starts_with("bin/")) paths.push_back(path);
  }
  std::ranges::sort(paths);
  return paths;
}

int64_t mtime_of(const fs::path& path) {
  struct stat info{};
  EXPECT_EQ(::stat(path.c_str(), &info), 0);
  return info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec;
}

size_t mounts_below(const fs::path& directory) {
  std::ifstream mounts("/proc/self/mounts");
  size_t count = 0;
  for (std::string line; std::getline(mounts, line);) count += line.contains(directory.string());
  return count;
}

// A duration to sleep that no other run of the tests uses, so that what one left is not counted by
// another.
std::string long_time(int seconds) {
  return fmt::format("{}.{}", seconds, ::getpid());
}

TEST_F(OciExecutorTest, StreamsArriveSeparatelyAndExitCodeIsTheProcesss) {
  const StepOutcome step = machine.run("echo out; echo err >&2; exit 7");
  EXPECT_EQ(step.out, "out\n");
  EXPECT_EQ(step.err, "err\n");
  EXPECT_EQ(step.exit_code, 7) << step.error;
}

TEST_F(OciExecutorTest, ExecFormPassesArgumentsUntouched) {
  EXPECT_EQ(machine.run(machine.spec({"echo", "a  b", "$HOME", "*"})).out, "a  b $HOME *\n");
}

// All builds are process 2 of their namespaces, and runc makes a cgroup of the name.
TEST_F(OciExecutorTest, ContainersOfTwoBuildsHaveDifferentNames) {
  // What its last argument is: the name.
  const fs::path runtime = machine.directory() / "runtime";
  ASSERT_TRUE(write_file_atomic(runtime, "#!/bin/sh\nfor last; do :; done; echo $last\n", 0755));
  std::string names[2];
  for (std::string& name : names) {
    const auto executor = OciExecutor::create({.scratch = machine.scratch(), .runtime = runtime});
    ASSERT_TRUE(executor) << executor.error().message();
    const auto take = [&](int, std::string_view bytes) { name += bytes; };
    ASSERT_TRUE((*executor)->run(machine.shell("true"), take, {}));
  }
  EXPECT_THAT(names[0], HasSubstr("slipway-"));
  EXPECT_NE(names[0], names[1]);
}

TEST_F(OciExecutorTest, LargeOutputIsComplete) {
  const StepOutcome step = machine.run("dd if=/dev/zero bs=1024 count=5000 2>/dev/null");
  EXPECT_EQ(step.out.size(), 5000u * 1024);
}

TEST_F(OciExecutorTest, MissingProgramNamesIt) {
  const StepOutcome step = machine.run(machine.spec({"no-such-program"}));
  EXPECT_EQ(step.error_code, ErrorCode::StepFailed);
  EXPECT_THAT(step.error, HasSubstr("no-such-program"));
}

TEST_F(OciExecutorTest, EnvironmentIsExactlyWhatWasGivenPlusHome) {
  ProcessSpec process = machine.spec({"env"});
  process.env = {"PATH=/bin", "A=1 2", "E="};
  std::vector<std::string> lines = split(trim(machine.run(process).out), '\n');
  std::ranges::sort(lines);
  EXPECT_THAT(lines, testing::ElementsAre("A=1 2", "E=", "HOME=/root", "PATH=/bin"));
}

TEST_F(OciExecutorTest, UserBringsItsGroupsAndHome) {
  ProcessSpec process = machine.shell("id -u; id -g; id -G; echo $HOME");
  process.user = "builder";
  EXPECT_EQ(machine.run(process).out, "1000\n1001\n1001 10 63\n/home/builder\n");
  process.user = "builder:wheel";
  EXPECT_EQ(machine.run(process).out, "1000\n10\n10\n/home/builder\n");
  process.user = "4242";
  EXPECT_EQ(machine.run(process).out, "4242\n0\n0\n/\n");
}

TEST_F(OciExecutorTest, TheCallersUmaskIsNotTheSteps) {
  ProcessSpec process = machine.shell("umask; stat -c %a /made /made/for");
  process.mounts.push_back(TmpfsMount{"/made/for/mount", 0});
  const mode_t before = ::umask(077);
  const StepOutcome step = machine.run(process);
  ::umask(before);
  EXPECT_EQ(step.out, "0022\n755\n755\n") << step.error;
}

TEST_F(OciExecutorTest, UnknownUserIsRefusedByName) {
  ProcessSpec process = machine.shell("true");
  process.user = "nobody-here";
  EXPECT_THAT(machine.run(process).error, HasSubstr("nobody-here"));
}

TEST_F(OciExecutorTest, WorkingDirectoryIsMadeForTheUser) {
  ProcessSpec process = machine.shell("pwd; stat -c %u:%g .");
  process.user = "builder";
  process.cwd = "/srv/app";
  EXPECT_EQ(machine.run(process).out, "/srv/app\n1000:1001\n");
  EXPECT_TRUE(machine.exists("/srv/app"));
}

TEST_F(OciExecutorTest, HostNameAndHostsFile) {
  ProcessSpec process = machine.shell("hostname; cat /etc/hosts");
  process.hostname = "sandbox";
  process.extra_hosts = {{"db.internal", "10.1.2.3"}};
  const StepOutcome step = machine.run(process);
  EXPECT_EQ(step.out,
            "sandbox\n127.0.0.1\tlocalhost sandbox\n::1\tlocalhost ip6-localhost ip6-loopback\n"
            "10.1.2.3\tdb.internal\n");
  EXPECT_FALSE(machine.exists("/etc/hosts"));
}

TEST_F(OciExecutorTest, RootHoldsDockersCapabilitiesAndNobodyElseAny) {
  ProcessSpec process = machine.shell("grep -E 'Cap(Inh|Eff|Bnd|Amb)' /proc/self/status");
  EXPECT_EQ(machine.run(process).out,
            "CapInh:\t0000000000000000\nCapEff:\t00000000a80425fb\nCapBnd:\t00000000a80425fb\n"
            "CapAmb:\t0000000000000000\n");
  process.user = "builder";
  EXPECT_THAT(machine.run(process).out, HasSubstr("CapEff:\t0000000000000000"));
}

TEST_F(OciExecutorTest, SystemCallsAreFilteredButSetuidWorks) {
  EXPECT_EQ(machine.run("grep -E '^(Seccomp|NoNewPrivs):' /proc/self/status").out,
            "NoNewPrivs:\t0\nSeccomp:\t2\n");
  EXPECT_THAT(machine.run("unshare -r true").err, HasSubstr("Operation not permitted"));
  EXPECT_THAT(machine.run("mount -t tmpfs none /tmp").err, HasSubstr("denied"));
}

TEST_F(OciExecutorTest, InsecureStepsMayMountAndAreNotFiltered) {
  ProcessSpec process =
      machine.shell("mount -t tmpfs none /tmp && grep -E '^Seccomp:' /proc/self/status");
  process.insecure = true;
  EXPECT_EQ(machine.run(process).out, "Seccomp:\t0\n");
}

TEST_F(OciExecutorTest, OnlyHarmlessDeviceNodesCanBeMade) {
  // Char 1:1 is the machine's memory, block 1:3 a RAM disk, char 1:3 /dev/null, 0:0 a whiteout.
  const StepOutcome step = machine.run(
      "mknod /tmp/mem c 1 1; mknod /dev/ram b 1 3; mknod /tmp/null c 1 3 && echo x > /tmp/null;"
      "mknod /tmp/gone c 0 0; mknod /tmp/pipe p; ls /tmp; head -c1 /dev/zero | wc -c");
  EXPECT_EQ(step.out, "gone\nnull\npipe\n1\n");
  EXPECT_EQ(step.err,
            "mknod: /tmp/mem: Operation not permitted\nmknod: /dev/ram: Operation not permitted\n");
}

TEST_F(OciExecutorTest, KernelFilesAreMaskedOrReadOnly) {
  EXPECT_EQ(machine.run("cat /proc/keys | wc -c; ls /sys/firmware | wc -l").out, "0\n0\n");
  EXPECT_EQ(machine.run("echo h > /proc/sysrq-trigger").exit_code, 1);
  EXPECT_EQ(machine.run("mkdir /sys/fs/x").exit_code, 1);
}

TEST_F(OciExecutorTest, NamespacesAreItsOwn) {
  EXPECT_EQ(machine.run("echo $$; set -- /proc/[0-9]*; echo $#").out, "1\n1\n");
  for (const char* name : {"pid", "ipc", "uts", "mnt", "cgroup"}) {
    const std::string path = fmt::format("/proc/self/ns/{}", name);
    const std::string inside = machine.run(fmt::format("stat -c %N {}", path)).out;
    EXPECT_THAT(inside, testing::Not(HasSubstr(fs::read_symlink(path).string()))) << name;
  }
}

TEST_F(OciExecutorTest, ResourceLimitsAndSharedMemorySize) {
  ProcessSpec process = machine.shell("ulimit -n; ulimit -Hn; df -k /dev/shm | grep -c ' 8192 '");
  process.rlimits = {{"nofile", 512, 900}};
  process.shm_size = 8 << 20;
  EXPECT_EQ(machine.run(process).out, "512\n900\n1\n");
  process.rlimits = {{"nofiles", 1, 1}};
  EXPECT_THAT(machine.run(process).error, HasSubstr("nofiles"));
}

TEST_F(OciExecutorTest, NothingOfOursStaysInTheRootfs) {
  const std::vector<std::string> before = tree_of(machine);
  const int64_t etc = mtime_of(machine.rootfs() / "etc");
  const int64_t root = mtime_of(machine.rootfs());
  ProcessSpec process =
      machine.shell("ls /proc /dev /sys /etc/hosts /etc/resolv.conf /c/d >/dev/null");
  process.mounts = {TmpfsMount{"/c/d"}, FileMount{"/run/secrets/token", "t"}};
  EXPECT_EQ(machine.run(process).exit_code, 0);
  EXPECT_EQ(tree_of(machine), before);
  EXPECT_EQ(mtime_of(machine.rootfs() / "etc"), etc);
  EXPECT_EQ(mtime_of(machine.rootfs()), root);
}

TEST_F(OciExecutorTest, ProcDevAndSysStayInARootThatHadNone) {
  for (const char* path : {"proc", "dev", "sys"}) fs::remove(machine.rootfs() / path);
  ProcessSpec process = machine.shell("cat /proc/self/stat >/dev/null");
  process.readonly_rootfs = true;
  EXPECT_EQ(machine.run(process).exit_code, 0);
  EXPECT_FALSE(machine.exists("/proc"));
  process.readonly_rootfs = false;
  EXPECT_EQ(machine.run(process).exit_code, 0);
  for (const char* path : {"proc", "dev", "sys"}) {
    struct stat info{};
    ASSERT_EQ(::lstat((machine.rootfs() / path).c_str(), &info), 0) << path;
    EXPECT_EQ(info.st_mode, S_IFDIR | 0755u) << path;
    EXPECT_TRUE(fs::is_empty(machine.rootfs() / path)) << path;
  }
}

TEST_F(OciExecutorTest, WhatTheStepWritesBesideStubsStays) {
  ProcessSpec process = machine.shell("touch /c/mine");
  process.mounts = {TmpfsMount{"/c/d"}};
  EXPECT_EQ(machine.run(process).exit_code, 0);
  EXPECT_TRUE(machine.exists("/c/mine"));
  EXPECT_FALSE(machine.exists("/c/d"));
}

TEST_F(OciExecutorTest, MountPointsNeverLeaveTheRootfs) {
  fs::create_directories(machine.directory() / "outside");
  fs::create_symlink("/../../../outside/x", machine.rootfs() / "etc/resolv.conf");
  fs::create_symlink("../../../../outside", machine.rootfs() / "escape");
  ProcessSpec process = machine.shell("cat /etc/resolv.conf >/dev/null && ls /escape/deep");
  process.mounts = {TmpfsMount{"/escape/deep"}};
  const StepOutcome step = machine.run(process);
  EXPECT_EQ(step.exit_code, 0) << step.err << step.error;
  EXPECT_TRUE(fs::is_empty(machine.directory() / "outside"));
  EXPECT_FALSE(machine.exists("/outside"));
}

TEST_F(OciExecutorTest, BindMountsFilesAndDirectories) {
  fs::create_directories(machine.directory() / "source/sub");
  std::ofstream(machine.directory() / "source/file") << "content";
  ProcessSpec process =
      machine.shell("cat /mnt/a/file /mnt/f; touch /mnt/a/new || true; touch /mnt/b/new");
  process.mounts = {BindMount{machine.directory() / "source", "/mnt/a", true},
                    BindMount{machine.directory() / "source/sub", "/mnt/b", false},
                    BindMount{machine.directory() / "source/file", "/mnt/f", true}};
  const StepOutcome step = machine.run(process);
  EXPECT_EQ(step.out, "contentcontent");
  EXPECT_THAT(step.err, HasSubstr("Read-only file system"));
  EXPECT_TRUE(fs::exists(machine.directory() / "source/sub/new"));
}

TEST_F(OciExecutorTest, MountsInsideMountsLeaveNoStubThere) {
  fs::create_directories(machine.directory() / "outer");
  ProcessSpec process = machine.shell("touch /o/in/ner/file && ls /o/in/ner");
  process.mounts = {BindMount{machine.directory() / "outer", "/o", false}, TmpfsMount{"/o/in/ner"}};
  EXPECT_EQ(machine.run(process).out, "file\n");
  EXPECT_TRUE(fs::is_empty(machine.directory() / "outer"));
  process.mounts = {BindMount{machine.directory() / "outer", "/o", true}, TmpfsMount{"/o/in"}};
  EXPECT_THAT(machine.run(process).error, HasSubstr("read-only mount /o"));
}

TEST_F(OciExecutorTest, SecretHasItsOwnerAndModeAndIsOnNoDisk) {
  ProcessSpec process = machine.shell(
      "cat /run/secrets/key; stat -c ' %u:%g %a' /run/secrets/key;"
      "grep /run/secrets/key /proc/self/mountinfo | grep -o ' - tmpfs '");
  process.mounts = {FileMount{"/run/secrets/key", "hush", 5, 6, 0440}};
  EXPECT_EQ(machine.run(process).out, "hush 5:6 440\n - tmpfs \n");
}

CdiDeviceNode device_at(const std::string& path, const std::string& host_path) {
  CdiDeviceNode node;
  node.path = path;
  node.host_path = host_path;
  return node;
}

TEST_F(OciExecutorTest, DevicesBringNodesMountsVariablesAndGroups) {
  fs::create_directories(machine.directory() / "driver/lib");
  std::ofstream(machine.directory() / "driver/lib/file") << "library\n";
  ProcessSpec process = machine.shell(
      "echo lost >/dev/bus/spare && stat -c %t:%T /dev/bus/spare; cat /usr/lib/driver/lib/file;"
      "touch /usr/lib/driver/x 2>/dev/null || echo ro; echo $WHICH; id -G; ls /dev");
  process.env.push_back("WHICH=none");
  process.devices.env = {"WHICH=this"};
  process.devices.nodes = {device_at("/dev/bus/spare", "/dev/null")};
  process.devices.mounts = {{machine.directory() / "driver", "/usr/lib/driver", {"ro", "nosuid"}}};
  process.devices.additional_gids = {44};
  const auto before = tree_of(machine);
  const StepOutcome step = machine.run(process);
  EXPECT_THAT(step.out, HasSubstr("1:3\nlibrary\nro\nthis\n0 44\n")) << step.error << step.err;
  EXPECT_EQ(tree_of(machine), before);
}

TEST_F(OciExecutorTest, AUserOwnsTheDevicesOfItsStep) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root: makes device nodes";
  ProcessSpec process = machine.shell("stat -c '%u:%g %a' /dev/own /dev/given; echo x >/dev/own");
  process.user = "1000:1001";
  process.devices.nodes = {device_at("/dev/own", "/dev/null"),
                           device_at("/dev/given", "/dev/zero")};
  process.devices.nodes[0].mode = 0600;
  process.devices.nodes[1].uid = 7;
  process.devices.nodes[1].gid = 0;
  const StepOutcome step = machine.run(process);
  EXPECT_EQ(step.out, "1000:1001 600\n7:0 666\n") << step.error << step.err;
  EXPECT_EQ(step.exit_code, 0) << step.err;
}

TEST_F(OciExecutorTest, HooksRunOnTheHost) {
  const fs::path marker = machine.directory() / "marker";
  CdiHook hook;
  hook.moment = "createRuntime";
  hook.path = "/bin/sh";
  hook.args = {"sh", "-c", "read -r state; echo $WHO >" + marker.string()};
  hook.env = {"WHO=hook"};
  ProcessSpec process = machine.shell("true");
  process.devices.hooks = {hook};
  const StepOutcome step = machine.run(process);
  EXPECT_EQ(step.exit_code, 0) << step.error;
  EXPECT_EQ(*read_file(marker), "hook\n");
}

TEST_F(OciExecutorTest, DeviceNodesThatAreNotThereAreNamed) {
  ProcessSpec process = machine.shell("true");
  process.devices.nodes = {device_at("/dev/x", "/dev/nothing-there")};
  EXPECT_EQ(machine.run(process).error,
            "device node /dev/nothing-there: there is none on this machine");
  process.devices.nodes = {device_at("/dev/x", "/etc/passwd")};
  EXPECT_EQ(machine.run(process).error, "device node /etc/passwd: it is none");
}

TEST_F(OciExecutorTest, CancelEndsTheWholeTreeAtOnce) {
  std::stop_source stop;
  StepOutcome step;
  const std::string time = long_time(86400);
  std::thread canceller([&] {
    while (processes_with(time).size() < 3)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    stop.request_stop();
  });
  step = machine.run(
      machine.shell(fmt::format("trap '' TERM; sleep {0} & (sleep {0} &) ; sleep {0}", time)),
      stop.get_token());
  canceller.join();
  EXPECT_EQ(step.error_code, ErrorCode::Cancelled);
  EXPECT_EQ(processes_with(time).size(), 0u);
  EXPECT_EQ(mounts_below(machine.rootfs()), 0u);
  machine.end();
  EXPECT_EQ(mounts_below(machine.directory()), 0u);
  EXPECT_TRUE(fs::is_empty(machine.scratch()));
}

TEST_F(OciExecutorTest, CancelDuringSetUpLeavesNothing) {
  for (int delay = 0; delay < 12; ++delay) {
    std::stop_source stop;
    std::jthread canceller([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(delay));
      stop.request_stop();
    });
    EXPECT_EQ(machine.run(machine.shell("sleep " + long_time(86401)), stop.get_token()).error_code,
              ErrorCode::Cancelled);
  }
  EXPECT_EQ(processes_with(long_time(86401)).size(), 0u);
  machine.end();
  EXPECT_EQ(mounts_below(machine.directory()), 0u);
}

TEST_F(OciExecutorTest, ProcessesLeftInTheBackgroundEndWithTheStep) {
  EXPECT_EQ(machine.run("sleep " + long_time(86402) + " & exit 0").exit_code, 0);
  EXPECT_EQ(processes_with(long_time(86402)).size(), 0u);
}

TEST_F(OciExecutorTest, RuncRunsTheSameSteps) {
  TestMachine other("runc");
  ASSERT_THAT(other.missing(), IsEmpty());
  const StepOutcome step = other.run(
      "grep -E '^(CapEff|Seccomp):' /proc/self/status; unshare -r true; echo x > /dev/null");
  EXPECT_EQ(step.out, "CapEff:\t00000000a80425fb\nSeccomp:\t2\n") << step.error;
  EXPECT_THAT(step.err, HasSubstr("Operation not permitted"));
}

}  // namespace
}  // namespace slipway::executor
