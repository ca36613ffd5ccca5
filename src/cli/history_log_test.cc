#include "cli/history_log.h"

#include <gmock/gmock.h>

#include "base/file_io.h"
#include "base/temp_dir.h"
#include "progress/recorder.h"

namespace slipway::cli {
namespace {

using testing::ElementsAre;

constexpr const char* kLines[] = {"#1 [internal] load build definition",
                                  "#1 DONE 0.0s",
                                  "",
                                  "#2 [deps 2/3] RUN uv sync",
                                  "#2 0.345 resolving",
                                  "#2 ...",
                                  "",
                                  "#3 [app 1/2] RUN make",
                                  "#3 DONE 1.0s",
                                  "#2 2.000 RUN done",
                                  "#2 DONE 2.1s"};

std::vector<std::string> filtered(const std::string& wanted) {
  StepFilter filter(wanted);
  std::vector<std::string> lines;
  for (const char* line : kLines) {
    if (filter.passes(line)) lines.emplace_back(line);
  }
  EXPECT_EQ(filter.found(), !lines.empty());
  return lines;
}

TEST(StepFilter, ByNumber) {
  EXPECT_THAT(filtered("#3"), ElementsAre("#3 [app 1/2] RUN make", "#3 DONE 1.0s"));
  EXPECT_THAT(filtered("9"), ElementsAre());
}

TEST(StepFilter, ByNameNotByOutput) {
  EXPECT_THAT(filtered("run UV"), ElementsAre("#2 [deps 2/3] RUN uv sync", "#2 0.345 resolving",
                                              "#2 2.000 RUN done", "#2 DONE 2.1s"));
  EXPECT_THAT(filtered("resolving"), ElementsAre());
}

TEST(ReplayEvents, SkipsALineThatWasCutOff) {
  const TempDir directory = *TempDir::create("/var/tmp", "replay-");
  const auto file = directory.path() / "events.jsonl";
  const std::string line = progress::to_json_line(
      progress::LogEvent{Digest::sha256_of("v"), 1, "text", std::chrono::system_clock::now()});
  ASSERT_TRUE(write_file_atomic(file, line + "garbage\n" + line + line.substr(0, 10)));
  int events = 0;
  ASSERT_TRUE(replay_events(file, [&](const progress::Event&) -> Status {
    ++events;
    return {};
  }));
  EXPECT_EQ(events, 2);
}

}  // namespace
}  // namespace slipway::cli
