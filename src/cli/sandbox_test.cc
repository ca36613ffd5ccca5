// The namespaces of a build, as root and as an ordinary user with subordinate ids.
#include "cli/sandbox.h"

#include <pty.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/child_process.h"
#include "base/file_io.h"
#include "base/temp_dir.h"
#include "base/test_processes.h"
#include "base/text.h"
#include "cli/subordinate_ids.h"

namespace slipway::cli {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

ProcessOptions probe(std::vector<std::string> arguments) {
  ProcessOptions options;
  options.argv = {SANDBOX_PROBE};
  options.argv.insert(options.argv.end(), arguments.begin(), arguments.end());
  return options;
}

CommandOutput run(ProcessOptions options) {
  Result<CommandOutput> output = run_command(std::move(options));
  EXPECT_TRUE(output) << output.error().message();
  return std::move(*output);
}

CommandOutput run_script(const std::string& script) {
  return run(probe({"sh", "-c", script}));
}

// Waits for `count` processes with `word` in their command line; returns whether it came to that.
bool wait_for_processes(const std::string& word, size_t count) {
  for (int tries = 0; tries < 1000; ++tries) {
    if (processes_with(word).size() == count) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

class SandboxTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "the tests of the root namespaces need root";
  }
};

TEST_F(SandboxTest, ExitCodesComeThrough) {
  EXPECT_EQ(run_script("exit 7").status.shell_code(), 7);
  EXPECT_EQ(run_script("kill -9 $$").status.shell_code(), 137);
}

TEST_F(SandboxTest, ProcessesAndMountsAreItsOwn) {
  const CommandOutput output = run_script(
      "echo $$; set -- /proc/[0-9]*; echo $#; mount -t tmpfs sandbox-test /mnt && "
      "grep -c sandbox-test /proc/self/mounts");
  // init and the shell.
  EXPECT_EQ(output.stdout_text, "2\n2\n1\n") << output.stderr_text;
  EXPECT_THAT(read_file("/proc/self/mounts").value_or(""), testing::Not(HasSubstr("sandbox-test")));
}

TEST_F(SandboxTest, SignalsReachTheProgram) {
  const Pipe ready = *make_pipe();
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    ProcessOptions options =
        probe({"sh", "-c", "trap 'exit 9' INT TERM HUP QUIT; echo; while :; do sleep 0.02; done"});
    options.stdout_fd = ready.write_end.get();
    ChildProcess child = *ChildProcess::start(options);
    char byte;
    ASSERT_EQ(::read(ready.read_end.get(), &byte, 1), 1);
    ASSERT_TRUE(child.send_signal(number));
    EXPECT_EQ(child.wait()->shell_code(), 9) << "signal " << number;
  }
}

// The sandbox on a terminal of its own.
class TerminalSession {
 public:
  explicit TerminalSession(const std::string& script) {
    int master = -1;
    pid_ = ::forkpty(&master, nullptr, nullptr, nullptr);
    if (pid_ == 0) {
      ::execl(SANDBOX_PROBE, SANDBOX_PROBE, "sh", "-c", script.c_str(), nullptr);
      ::_exit(126);
    }
    master_ = UniqueFd(master);
  }
  void wait_for(const std::string& text) {
    char byte;
    for (std::string seen; !seen.contains(text) && ::read(master_.get(), &byte, 1) == 1;) {
      seen += byte;
    }
  }
  void type(std::string_view keys) { EXPECT_TRUE(write_all(master_.get(), keys)); }
  int exit_code() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_ = -1;
  UniqueFd master_;
};

TEST_F(SandboxTest, ControlCReachesTheProgramOnce) {
  TerminalSession session(
      "n=0; trap 'n=$((n+1))' INT; echo ready;"
      "while [ $n = 0 ]; do sleep 0.02; done; sleep 0.3; exit $n");
  session.wait_for("ready");
  session.type("\x03");
  EXPECT_EQ(session.exit_code(), 1);
}

TEST_F(SandboxTest, ProgramReadsTheTerminal) {
  TerminalSession session("echo ready; read code; exit $code");
  session.wait_for("ready");
  session.type("7\n");
  EXPECT_EQ(session.exit_code(), 7);
}

TEST_F(SandboxTest, KillingTheParentEndsEverything) {
  ChildProcess child =
      *ChildProcess::start(probe({"sh", "-c", "setsid sleep 86500.5 & sleep 86500.5; true"}));
  // Parent, init, shell, and the two sleeps; all have the number in their command line.
  ASSERT_TRUE(wait_for_processes("86500.5", 5));
  ASSERT_TRUE(child.send_signal(SIGKILL));
  (void)child.wait();
  EXPECT_TRUE(wait_for_processes("86500.5", 0));
}

TEST_F(SandboxTest, WhatTheProgramLeftBehindEndsWithIt) {
  EXPECT_EQ(run_script("setsid sleep 86501.5 >/dev/null 2>&1 & exit 3").status.shell_code(), 3);
  EXPECT_TRUE(wait_for_processes("86501.5", 0));
}

TEST_F(SandboxTest, ContainersRunInside) {
  const CommandOutput output = run(probe({"--step", "none", "id -u; ls /sys/class/net"}));
  EXPECT_EQ(output.stdout_text, "0\nlo\n") << output.stderr_text;
}

// A user of our own, with subordinate ids, for as long as a test runs.
class OrdinaryUser {
 public:
  OrdinaryUser() {
    ProcessOptions options;
    options.argv = {"/usr/sbin/useradd",
                    "--no-create-home",
                    "--no-log-init",
                    "--user-group",
                    "--add-subids-for-system",
                    "--system",
                    "--home-dir",
                    "/nonexistent",
                    name_};
    const CommandOutput output = run(std::move(options));
    EXPECT_TRUE(output.status.success()) << output.stderr_text;
  }
  ~OrdinaryUser() {
    ProcessOptions options;
    options.argv = {"/usr/sbin/userdel", name_};
    run(std::move(options));
  }

  CommandOutput run_probe(std::vector<std::string> arguments) const {
    ProcessOptions options = probe(std::move(arguments));
    options.argv.insert(options.argv.begin(), {"/usr/sbin/runuser", "-u", name_, "--"});
    return run(std::move(options));
  }
  CommandOutput run_script(const std::string& script) const {
    return run_probe({"sh", "-c", script});
  }
  const std::string& name() const { return name_; }
  uid_t uid() const { return ::getpwnam(name_.c_str())->pw_uid; }

 private:
  // Tests run side by side.
  const std::string name_ = fmt::format("slipwaytest{}", ::getpid());
};

class RootlessTest : public SandboxTest {
 protected:
  static void SetUpTestSuite() {
    if (::geteuid() == 0) user = std::make_unique<OrdinaryUser>();
  }
  static void TearDownTestSuite() { user.reset(); }
  static std::unique_ptr<OrdinaryUser> user;
};
std::unique_ptr<OrdinaryUser> RootlessTest::user;

TEST_F(RootlessTest, UserIsRootInsideWithAllIdsBelow65536) {
  const CommandOutput output =
      user->run_script("id -u; id -G; awk '{print $1, $3}' /proc/self/uid_map | tr '\\n' ' '");
  EXPECT_EQ(output.stdout_text, "0\n0\n0 1 1 65536 ") << output.stderr_text;
}

TEST_F(RootlessTest, OverlayWorksInside) {
  const TempDir directory = *TempDir::create("/var/tmp", "slipway-rootless-");
  ASSERT_EQ(::chown(directory.path().c_str(), user->uid(), static_cast<gid_t>(-1)), 0);
  const CommandOutput output = user->run_script(fmt::format(
      "cd {} && mkdir lower upper work merged && echo old > lower/a && echo gone > lower/b && "
      "mount -t overlay -o userxattr,lowerdir=lower,upperdir=upper,workdir=work none merged && "
      "echo new > merged/a && rm merged/b && chown 12:34 merged/a && "
      "stat -c '%F' upper/b && stat -c '%u:%g' merged/a && cat merged/a",
      directory.path().string()));
  EXPECT_EQ(output.stdout_text, "character special file\n12:34\nnew\n") << output.stderr_text;
}

TEST_F(RootlessTest, ContainersRunInside) {
  for (const char* network : {"host", "none"}) {
    const CommandOutput output =
        user->run_probe({"--step", network,
                         "id -u; grep -c . /etc/hosts; echo x > /dev/null; chown 5:6 /tmp && "
                         "stat -c %u:%g /tmp; grep ^Seccomp: /proc/self/status"});
    EXPECT_EQ(output.stdout_text, "0\n2\n5:6\nSeccomp:\t2\n") << network << output.stderr_text;
  }
}

// pasta needs /dev/net/tun, which udev makes for everybody; without udev only root may open it.
TEST_F(RootlessTest, PrivateNetworkOrAWarningThatSaysWhatIsMissing) {
  struct stat tun{};
  const bool open_to_all = ::stat("/dev/net/tun", &tun) == 0 && (tun.st_mode & 06) == 06;
  const CommandOutput output =
      user->run_probe({"--step", "private", "ls /sys/class/net | grep -c lo"});
  if (open_to_all) {
    EXPECT_EQ(output.stdout_text, "1\n") << output.stderr_text;
  } else {
    EXPECT_THAT(output.stdout_text, HasSubstr("/dev/net/tun"));
    EXPECT_THAT(output.stdout_text, testing::EndsWith("\n1\n")) << output.stderr_text;
  }
}

TEST(SubordinateIds, RangesOfAUserByNameOrId) {
  const std::string file = "# c\nann:100000:65536\nbob:200000:10\n1001:300000:5\nann:x:1\n";
  EXPECT_THAT(subordinate_ranges(file, "ann", 1000), ElementsAre(IdRange{100000, 65536}));
  EXPECT_THAT(subordinate_ranges(file, "bob", 1001),
              ElementsAre(IdRange{200000, 10}, IdRange{300000, 5}));
  EXPECT_TRUE(subordinate_ranges(file, "eve", 5).empty());
}

TEST(SubordinateIds, RangesFollowEachOtherInside) {
  EXPECT_THAT(id_map_arguments(1000, {{100000, 10}, {300000, 5}}),
              ElementsAre("0", "1000", "1", "1", "100000", "10", "11", "300000", "5"));
}

}  // namespace
}  // namespace slipway::cli
