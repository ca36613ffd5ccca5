#include "cli/step_times.h"

#include <gtest/gtest.h>

namespace slipway::cli {
namespace {

progress::VertexEvent step(const std::string& name, int milliseconds) {
  const progress::Time start{std::chrono::seconds(1)};
  return {.digest = Digest::sha256_of(name),
          .name = name,
          .started = start,
          .completed = start + std::chrono::milliseconds(milliseconds)};
}

TEST(StepTimes, AreOfTheNewestBuildThatRanTheStep) {
  StepTimes times;
  progress::VertexEvent cached = step("[2/3] RUN a", 1);
  cached.cached = true;
  times.add("newest", cached);
  times.add("newer", step("[core deps 2/3] RUN a", 2500));
  times.add("older", step("[2/2] RUN a", 9000));
  const auto found = times.find("[deps 2/3] RUN a");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->build, "newer");
  EXPECT_DOUBLE_EQ(found->seconds, 2.5);
  EXPECT_FALSE(times.find("[1/1] RUN b"));
}

TEST(StepTimes, LeaveOutWhatFailed) {
  StepTimes times;
  progress::VertexEvent failed = step("[1/1] RUN a", 100);
  failed.error = "exit code: 1";
  times.add("build", failed);
  EXPECT_FALSE(times.find("[1/1] RUN a"));
}

}  // namespace
}  // namespace slipway::cli
