#include "base/child_process.h"

#include <signal.h>

#include <thread>

#include <gtest/gtest.h>

namespace slipway {
namespace {

TEST(ChildProcess, GivesOutputAndExitCode) {
  const auto output = run_command({.argv = {"sh", "-c", "cat; echo err >&2; exit 3"}}, "in");
  ASSERT_TRUE(output) << output.error().message();
  EXPECT_EQ(output->stdout_text, "in");
  EXPECT_EQ(output->stderr_text, "err\n");
  EXPECT_EQ(output->status.shell_code(), 3);
}

TEST(ChildProcess, PassesMoreThanAPipeHolds) {
  const std::string big(1 << 20, 'x');
  const auto output = run_command({.argv = {"cat"}}, big);
  ASSERT_TRUE(output) << output.error().message();
  EXPECT_EQ(output->stdout_text, big);
}

TEST(ChildProcess, MissingProgramIsNotFound) {
  const auto child = ChildProcess::start({.argv = {"no-such-program-here"}});
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().code(), ErrorCode::NotFound);
  EXPECT_EQ(child.error().message(), "start no-such-program-here: No such file or directory");
}

TEST(ChildProcess, StopEndsAProcessThatIgnoresSigterm) {
  auto child =
      ChildProcess::start({.argv = {"sh", "-c", "trap '' TERM; while :; do sleep 1; done"}});
  ASSERT_TRUE(child);
  std::stop_source stop;
  std::jthread later([&] { stop.request_stop(); });
  const auto status = child->wait(stop.get_token());
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), ErrorCode::Cancelled);
  EXPECT_NE(::kill(child->pid(), 0), 0);
}

TEST(ChildProcess, HasOnlyTheEnvironmentItIsGiven) {
  const auto output = run_command({.argv = {"/usr/bin/env"}, .environment = {{"A=1", "B=2"}}});
  ASSERT_TRUE(output);
  EXPECT_EQ(output->stdout_text, "A=1\nB=2\n");
}

}  // namespace
}  // namespace slipway
