#include "progress/plain.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace slipway::progress {
namespace {

using namespace std::chrono_literals;

// Events at given times after the beginning; what is printed is compared with BuildKit's text.
class PlainPrinterTest : public testing::Test {
 protected:
  static Digest digest(const std::string& name) { return Digest::sha256_of(name); }
  VertexEvent started(const std::string& name, Time::duration at = 0s) const {
    return {.digest = digest(name), .name = name, .started = begin_ + at};
  }
  VertexEvent ended(const std::string& name, Time::duration start, Time::duration end) const {
    VertexEvent event = started(name, start);
    event.completed = begin_ + end;
    return event;
  }
  // Handles the event and prints, both at `at`.
  void at(Time::duration at, const Event& event) {
    printer_.handle(event, begin_ + at);
    printer_.print(begin_ + at);
  }
  LogEvent log(const std::string& name, const std::string& data, Time::duration at) const {
    return {digest(name), 1, data, begin_ + at};
  }

  const Time begin_ = std::chrono::system_clock::from_time_t(1'700'000'000);
  std::string out_;
  PlainPrinter printer_{[this](std::string_view text) { out_ += text; }};
};

TEST_F(PlainPrinterTest, a_step_is_a_block) {
  at(0s, VertexEvent{.digest = digest("[1/1] RUN make"), .name = "[1/1] RUN make"});
  EXPECT_EQ(out_, "");  // announced only
  at(0s, started("[1/1] RUN make"));
  at(345ms, log("[1/1] RUN make", "one\ntw", 345ms));
  at(400ms, log("[1/1] RUN make", "o\n", 400ms));
  at(1200ms, ended("[1/1] RUN make", 0s, 1200ms));
  EXPECT_EQ(out_,
            "#1 [1/1] RUN make\n"
            "#1 0.345 one\n"
            "#1 0.345 two\n"
            "#1 DONE 1.2s\n");
}

TEST_F(PlainPrinterTest, an_open_line_is_shown_at_once_and_again_after_others) {
  at(0s, started("a"));
  at(1s, log("a", "working...", 1s));
  EXPECT_EQ(out_, "#1 a\n#1 1.000 working...");
  at(2s, ended("b", 2s, 2s));
  at(3s, log("a", " done\nnext\n", 3s));
  at(4s, ended("a", 0s, 4s));
  EXPECT_EQ(out_,
            "#1 a\n#1 1.000 working...\n#1 ...\n"
            "\n#2 b\n#2 DONE 0.0s\n"
            "\n#1 a\n#1 1.000 working... done\n#1 3.000 next\n#1 DONE 4.0s\n");
}

TEST_F(PlainPrinterTest, steps_are_numbered_as_they_are_first_shown) {
  printer_.handle(started("a"), begin_);
  VertexEvent cached = ended("b", 0s, 1s);
  cached.cached = true;
  printer_.handle(cached, begin_ + 1s);
  printer_.print(begin_ + 1s);
  VertexEvent failed = ended("a", 0s, 2s);
  failed.error = "exit code: 1";
  at(2s, failed);
  VertexEvent canceled = ended("c", 0s, 2s);
  canceled.error = "rpc error: context canceled";
  at(2s, canceled);
  EXPECT_EQ(out_,
            "#1 b\n#1 CACHED\n"
            "\n#2 a\n#2 ERROR: exit code: 1\n"
            "\n#3 c\n#3 CANCELED\n");
}

TEST_F(PlainPrinterTest, times_get_shorter_as_they_grow) {
  at(0s, started("a"));
  at(200s, log("a", "x\n", 9999ms));
  at(200s, log("a", "x\n", 12345ms));
  at(200s, log("a", "x\n", 123456ms));
  EXPECT_EQ(out_, "#1 a\n#1 9.999 x\n#1 12.35 x\n#1 123.5 x\n");
}

TEST_F(PlainPrinterTest, another_steps_output_waits_for_its_turn) {
  at(0s, started("a"));
  at(0s, started("b"));
  at(1s, log("a", "from a\n", 1s));
  at(1s, log("b", "from b\n", 1s));
  at(2s, log("a", "more\n", 2s));
  EXPECT_EQ(out_, "#1 a\n#1 1.000 from a\n#1 2.000 more\n");
  // `a` has had its share; `b` wrote as much.
  at(12s, log("b", "late\n", 12s));
  EXPECT_EQ(out_,
            "#1 a\n#1 1.000 from a\n#1 2.000 more\n#1 ...\n"
            "\n#2 b\n#2 1.000 from b\n#2 12.00 late\n");
}

TEST_F(PlainPrinterTest, a_running_step_is_shown_when_nobody_writes) {
  at(0s, started("long"));
  at(1s, ended("short", 0s, 1s));
  EXPECT_EQ(out_, "#1 long\n#1 ...\n\n#2 short\n#2 DONE 1.0s\n\n#1 long\n");
}

TEST_F(PlainPrinterTest, transfers_are_repeated_when_they_have_come_on) {
  const auto status = [&](int64_t current, Time::duration at, bool done) {
    return StatusEvent{digest("pull"),
                       "sha256:1f",
                       current,
                       3'620'000,
                       begin_ + at,
                       begin_,
                       done ? std::optional(begin_ + at) : std::nullopt};
  };
  at(0s, started("pull"));
  at(200ms, status(1'050'000, 200ms, false));
  at(300ms, status(1'060'000, 300ms, false));  // too little
  at(400ms, status(3'620'000, 400ms, true));
  at(500ms, StatusEvent{digest("pull"), "extracting", 0, 0, begin_ + 405ms, begin_ + 400ms, {}});
  EXPECT_EQ(out_,
            "#1 pull\n"
            "#1 sha256:1f 1.05MB / 3.62MB 0.2s\n"
            "#1 sha256:1f 3.62MB / 3.62MB 0.4s done\n"
            "#1 extracting\n");
}

TEST_F(PlainPrinterTest, warnings_stand_in_the_block) {
  at(0s, started("a"));
  at(0s, WarningEvent{.vertex = digest("a"), .message = "careful"});
  EXPECT_EQ(out_, "#1 a\n#1 WARN: careful\n");
}

TEST_F(PlainPrinterTest, a_group_is_one_step_and_waits_for_a_step_that_is_not_weak) {
  VertexEvent copy = ended("copy", 0s, 1s);
  copy.group = ProgressGroup{"id", "[2/2] COPY --link", true};
  VertexEvent merge = ended("merge", 2s, 4s);
  merge.group = ProgressGroup{"id", "[2/2] COPY --link", false};
  at(1s, copy);
  EXPECT_EQ(out_, "");
  at(4s, merge);
  EXPECT_EQ(out_, "#1 [2/2] COPY --link\n#1 DONE 3.0s\n");
}

TEST_F(PlainPrinterTest, a_step_that_runs_twice_has_both_times) {
  at(1s, ended("a", 0s, 1s));
  at(5s, ended("a", 4s, 5500ms));
  EXPECT_EQ(out_, "#1 a\n#1 DONE 1.0s\n\n#1 a\n#1 DONE 2.5s\n");
}

TEST_F(PlainPrinterTest, finish_writes_what_waits) {
  at(0s, started("a"));
  printer_.handle(started("b"), begin_);
  printer_.handle(log("b", "late", 0s), begin_);
  printer_.finish(begin_);
  EXPECT_EQ(out_, "#1 a\n#1 ...\n\n#2 b\n#2 0.000 late\n");
}

TEST(PlainSink, writes_everything_by_its_end) {
  std::string out;
  {
    PlainSink sink([&](std::string_view text) { out += text; });
    const Time now = std::chrono::system_clock::now();
    for (int i = 0; i < 100; ++i) {
      const std::string name = std::to_string(i);
      sink.handle(VertexEvent{
          .digest = Digest::sha256_of(name), .name = name, .started = now, .completed = now});
    }
  }
  EXPECT_EQ(std::ranges::count(out, '\n'), 100 * 3 - 1);
  EXPECT_NE(out.find("#100 "), std::string::npos);
}

TEST(FormatBytes, is_buildkits) {
  EXPECT_EQ(format_bytes(0), "0B");
  EXPECT_EQ(format_bytes(999), "999B");
  EXPECT_EQ(format_bytes(1000), "1.00kB");
  EXPECT_EQ(format_bytes(1'234'567), "1.23MB");
}

}  // namespace
}  // namespace slipway::progress
