#include "progress/screen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::progress {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

const Time kBegin = std::chrono::system_clock::from_time_t(1'700'000'000);

VertexEvent step(const std::string& name) {
  return {.digest = Digest::sha256_of(name), .name = name, .started = kBegin};
}
VertexEvent ended(const std::string& name, Time::duration after) {
  VertexEvent event = step(name);
  event.completed = kBegin + after;
  return event;
}
LogEvent log(const std::string& name, const std::string& data) {
  return {Digest::sha256_of(name), 1, data, kBegin};
}

TEST(Screen, shows_steps_with_their_times_and_the_last_lines_of_those_that_run) {
  Screen screen({.columns = 41, .colors = false, .log_lines = 2}, kBegin);
  VertexEvent cached = ended("[1/2] FROM base", 0s);
  cached.cached = true;
  screen.handle(VertexEvent{.digest = Digest::sha256_of("later"), .name = "later"});
  screen.handle(cached);
  screen.handle(step("[2/2] RUN make"));
  screen.handle(log("[2/2] RUN make", "one\ntwo\nthree\nunfinished"));
  EXPECT_THAT(screen.lines(kBegin + 2100ms, false),
              ElementsAre("[+] Building 2.1s (1/3)",                   //
                          " => CACHED [1/2] FROM base          0.0s",  //
                          " => [2/2] RUN make                  2.1s",  //
                          " => => # two",                              //
                          " => => # three"));
}

TEST(Screen, shows_transfers_in_percent) {
  Screen screen({.columns = 61, .colors = false}, kBegin);
  screen.handle(step("pull"));
  screen.handle(
      StatusEvent{Digest::sha256_of("pull"), "sha256:1f", 500'000, 2'000'000, kBegin, kBegin, {}});
  EXPECT_EQ(screen.lines(kBegin + 1s, false).back(),
            " => => sha256:1f 500.00kB / 2.00MB  25%                 1.0s");
}

TEST(Screen, says_how_steps_ended) {
  Screen screen({.columns = 80}, kBegin);
  VertexEvent failed = ended("RUN false", 1s);
  failed.error = "exit code: 1";
  VertexEvent canceled = ended("RUN sleep", 1s);
  canceled.error = "context canceled";
  screen.handle(ended("FROM base", 1s));
  screen.handle(failed);
  screen.handle(canceled);
  screen.handle(WarningEvent{.vertex = Digest::sha256_of("FROM base"), .message = "old"});
  EXPECT_THAT(
      screen.lines(kBegin + 2s, true),
      ElementsAre("[+] Building 2.0s (3/3) FINISHED", HasSubstr("\x1b[34m => FROM base"),
                  HasSubstr("\x1b[33m => WARN: old"), HasSubstr("\x1b[31m => ERROR RUN false"),
                  HasSubstr("\x1b[33m => CANCELED RUN sleep")));
}

TEST(Screen, fits_the_terminal_and_keeps_what_runs) {
  Screen screen({.columns = 31, .rows = 8, .colors = false}, kBegin);
  screen.handle(step("runs from the start"));
  for (int i = 0; i < 50; ++i) {
    screen.handle(ended("step with a very long name indeed " + std::to_string(i), 1s));
  }
  screen.handle(step("runs"));
  const auto lines = screen.lines(kBegin + 2s, false);
  EXPECT_THAT(lines, SizeIs(7));
  for (const std::string& line : lines) EXPECT_LT(line.size(), 31u) << line;
  EXPECT_EQ(lines[1], " => runs from the start   2.0s");
  EXPECT_EQ(lines.back(), " => runs                  2.0s");
}

TEST(Screen, survives_a_terminal_without_size) {
  Screen screen({.columns = 0, .rows = 0, .colors = false}, kBegin);
  screen.handle(step("runs"));
  screen.handle(log("runs", "x\n"));
  EXPECT_FALSE(screen.lines(kBegin, false).empty());
}

TEST(Screen, output_cannot_move_the_cursor) {
  Screen screen({.columns = 40, .colors = false}, kBegin);
  screen.handle(step("run"));
  screen.handle(log("run", "10%\r20%\x1b[2J\x1b[1;31mred\x1b[0m\x07\n"));
  EXPECT_EQ(screen.lines(kBegin, false).back(), " => => # 20%red");
}

}  // namespace
}  // namespace slipway::progress
