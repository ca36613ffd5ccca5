#include "cli/failure_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::cli {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

TEST(Excerpt, MarksTheLinesAndShowsThoseAround) {
  const std::string file = "FROM a\nRUN one\nRUN two \\\n  three\nRUN four\n";
  EXPECT_EQ(excerpt({"Dockerfile", 3, 4}, file),
            "Dockerfile:3\n"
            "--------------------\n"
            "   2 |     RUN one\n"
            "   3 | >>> RUN two \\\n"
            "   4 | >>>   three\n"
            "   5 |     RUN four\n"
            "--------------------\n");
}

TEST(Excerpt, SurvivesLinesThatAreNotThere) {
  EXPECT_EQ(excerpt({"f", 9, 12}, "one\n"), "");
}

TEST(Describe, ShowsEveryMistakeAndTheHint) {
  const Error error =
      Error(ErrorCode::InvalidInput, "line 1: unknown instruction: FORM\nline 2: bad")
          .at({"Dockerfile", 1, 1})
          .with_hint("did you mean FROM?");
  EXPECT_EQ(
      describe(error, {{"Dockerfile", "FORM x\n"}}),
      "Dockerfile:1\n--------------------\n   1 | >>> FORM x\n   2 |     \n--------------------\n"
      "ERROR: line 1: unknown instruction: FORM\nERROR: line 2: bad\n"
      "hint: did you mean FROM?\n");
}

TEST(FailureLog, KeepsTheLastLinesOfTheStepThatFailed) {
  FailureLog log;
  const Digest bad = Digest::sha256_of("bad"), cancelled = Digest::sha256_of("cancelled");
  const auto now = std::chrono::system_clock::now();
  for (int i = 0; i < 20; ++i)
    log.handle(progress::LogEvent{bad, 1, std::to_string(i) + "\n", now});
  log.handle(progress::LogEvent{bad, 2, "no line end", now});
  log.handle(
      progress::VertexEvent{.digest = bad, .name = "RUN bad", .completed = now, .error = "exit"});
  log.handle(progress::VertexEvent{
      .digest = cancelled, .name = "RUN x", .completed = now, .error = "context canceled"});
  const auto failures = log.failures();
  ASSERT_THAT(failures, SizeIs(1));
  EXPECT_THAT(failures[0].last_lines, ElementsAre("10", "11", "12", "13", "14", "15", "16", "17",
                                                  "18", "19", "no line end"));
}

}  // namespace
}  // namespace slipway::cli
