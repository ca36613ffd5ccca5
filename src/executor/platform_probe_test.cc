#include "executor/platform_probe.h"

#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/child_process.h"
#include "base/file_io.h"
#include "base/temp_dir.h"

namespace slipway::executor {
namespace {

using testing::HasSubstr;

TEST(ExitProgram, TheOneForThisMachineEndsWithZero) {
  const TempDir directory = *TempDir::create("/var/tmp", "slipway-probe-test-");
  const std::filesystem::path path = directory.path() / "exit";
  ASSERT_TRUE(write_file_atomic(path, exit_program(Platform::host().architecture), 0755));
  ProcessOptions options;
  options.argv = {path};
  const auto ended = run_command(std::move(options));
  ASSERT_TRUE(ended) << ended.error().message();
  EXPECT_EQ(ended->status.shell_code(), 0);
}

// Where an emulator is installed, registered or not.
TEST(ExitProgram, EmulatorsRunThoseOfOtherMachines) {
  const TempDir directory = *TempDir::create("/var/tmp", "slipway-probe-test-");
  const std::pair<const char*, const char*> machines[] = {
      {"amd64", "x86_64"},    {"386", "i386"},           {"arm64", "aarch64"},
      {"arm", "arm"},         {"s390x", "s390x"},        {"riscv64", "riscv64"},
      {"ppc64le", "ppc64le"}, {"loong64", "loongarch64"}};
  for (const auto& [architecture, name] : machines) {
    const std::string emulator = std::string("/usr/bin/qemu-") + name + "-static";
    if (::access(emulator.c_str(), X_OK) != 0) continue;
    const std::filesystem::path path = directory.path() / architecture;
    ASSERT_TRUE(write_file_atomic(path, exit_program(architecture), 0755));
    ProcessOptions options;
    options.argv = {emulator, path};
    const auto ended = run_command(std::move(options));
    ASSERT_TRUE(ended) << ended.error().message();
    EXPECT_EQ(ended->status.shell_code(), 0) << architecture << ": " << ended->stderr_text;
  }
}

TEST(PlatformProbe, TellsWhatCannotRunAndWhatToDo) {
  PlatformProbe probe(*TempDir::create("/var/tmp", "slipway-probe-test-"));
  EXPECT_TRUE(probe.check(Platform::host()));
  EXPECT_FALSE(probe.check(*Platform::parse("windows/amd64")));
  if (::geteuid() != 0) GTEST_SKIP() << "needs root: chroot";
  for (const char* name : {"linux/s390x", "linux/arm64"}) {
    const Status status = probe.check(*Platform::parse(name));
    if (status) continue;  // there is an emulator
    EXPECT_THAT(status.error().message(), HasSubstr(name));
    EXPECT_THAT(status.error().hint(), HasSubstr("qemu-user-static"));
  }
}

}  // namespace
}  // namespace slipway::executor
