#include "progress/screen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::progress {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
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

TEST(Screen, ShowsStepsWithTheirTimesAndTheLastLinesOfThoseThatRun) {
  Screen screen({.columns = 40, .colors = false, .log_lines = 2}, kBegin);
  VertexEvent cached = ended("[1/2] FROM base", 0s);
  cached.cached = true;
  screen.handle(cached);
  screen.handle(step("[2/2] RUN make"));
  screen.handle(
      LogEvent{Digest::sha256_of("[2/2] RUN make"), 1, "one\ntwo\nthree\nunfinished", kBegin});
  EXPECT_THAT(screen.lines(kBegin + 2100ms, false),
              ElementsAre("[+] Building 2.1s (1/2)",                  //
                          " => CACHED [1/2] FROM base          0.0s",  //
                          " => [2/2] RUN make                  2.1s",  //
                          " => => # two",                             //
                          " => => # three"));
}

TEST(Screen, ShowsTransfersInPercent) {
  Screen screen({.columns = 60, .colors = false}, kBegin);
  screen.handle(step("pull"));
  screen.handle(
      StatusEvent{Digest::sha256_of("pull"), "sha256:1f", 500'000, 2'000'000, kBegin, kBegin, {}});
  EXPECT_EQ(screen.lines(kBegin + 1s, false).back(),
            " => => sha256:1f 500.00kB / 2.00MB  25%                 1.0s");
}

TEST(Screen, FitsTheTerminal) {
  Screen screen({.columns = 30, .rows = 8, .colors = false}, kBegin);
  for (int i = 0; i < 50; ++i) {
    screen.handle(ended("step with a very long name indeed " + std::to_string(i), 1s));
  }
  screen.handle(step("runs"));
  const auto lines = screen.lines(kBegin + 2s, false);
  EXPECT_THAT(lines, SizeIs(7));
  for (const std::string& line : lines) EXPECT_LE(line.size(), 30u) << line;
  EXPECT_EQ(lines.back(), " => runs                  2.0s");
}

TEST(Screen, OutputCannotMoveTheCursor) {
  Screen screen({.columns = 40, .colors = false}, kBegin);
  screen.handle(step("run"));
  screen.handle(
      LogEvent{Digest::sha256_of("run"), 1, "10%\r20%\x1b[2J\x1b[1;31mred\x1b[0m\x07\n", kBegin});
  EXPECT_EQ(screen.lines(kBegin, false).back(), " => => # 20%red");
}

}  // namespace
}  // namespace slipway::progress
