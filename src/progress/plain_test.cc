#include "progress/plain.h"

#include <gtest/gtest.h>

namespace slipway::progress {
namespace {

using namespace std::chrono_literals;

class PlainSinkTest : public testing::Test {
 protected:
  static Digest digest(const std::string& name) { return Digest::sha256_of(name); }
  void announce(const std::string& name) {
    sink_.handle(VertexEvent{.digest = digest(name), .name = name});
  }
  void start(const std::string& name) {
    sink_.handle(VertexEvent{.digest = digest(name), .name = name, .started = now_});
  }
  void end(const std::string& name, const std::string& error = {}, bool cached = false) {
    sink_.handle(VertexEvent{.digest = digest(name),
                             .name = name,
                             .started = now_,
                             .completed = now_ + 1200ms,
                             .cached = cached,
                             .error = error});
  }
  void log(const std::string& name, const std::string& data) {
    sink_.handle(LogEvent{digest(name), 1, data, now_ + 345ms});
  }

  const Time now_ = std::chrono::system_clock::now();
  std::string out_;
  PlainSink sink_{[this](std::string_view text) { out_ += text; }};
};

TEST_F(PlainSinkTest, ShowsAStepAsABlock) {
  announce("[1/1] RUN make");
  start("[1/1] RUN make");
  log("[1/1] RUN make", "one\ntw");
  log("[1/1] RUN make", "o\n");
  end("[1/1] RUN make");
  EXPECT_EQ(out_,
            "#1 [1/1] RUN make\n"
            "#1 0.345 one\n"
            "#1 0.345 two\n"
            "#1 DONE 1.2s\n\n");
}

TEST_F(PlainSinkTest, NumbersInOrderOfFirstShowing) {
  announce("a");
  announce("b");
  end("b", {}, true);
  end("a", "exit code: 1");
  EXPECT_EQ(out_,
            "#1 b\n#1 CACHED\n\n"
            "#2 a\n#2 ERROR: exit code: 1\n\n");
}

TEST_F(PlainSinkTest, AnotherStepsOutputWaitsUntilTheBlockEnds) {
  start("a");
  start("b");
  log("a", "from a\n");
  log("b", "from b\n");
  log("a", "more\n");
  end("a");
  end("b", "context canceled");
  EXPECT_EQ(out_,
            "#1 a\n#1 0.345 from a\n#1 0.345 more\n#1 DONE 1.2s\n\n"
            "#2 b\n#2 0.345 from b\n#2 CANCELED\n\n");
}

TEST_F(PlainSinkTest, ShowsTransfersWithBytes) {
  start("pull");
  sink_.handle(
      StatusEvent{digest("pull"), "sha256:1f", 1'050'000, 3'620'000, now_ + 200ms, now_, {}});
  sink_.handle(StatusEvent{digest("pull"), "sha256:1f", 3'620'000, 3'620'000, now_ + 400ms, now_,
                           now_ + 400ms});
  EXPECT_EQ(out_,
            "#1 pull\n"
            "#1 sha256:1f 1.05MB / 3.62MB 0.2s\n"
            "#1 sha256:1f 3.62MB / 3.62MB 0.4s done\n");
}

TEST_F(PlainSinkTest, FinishWritesWhatWaits) {
  start("a");
  start("b");
  log("b", "late\n");
  sink_.finish();
  EXPECT_EQ(out_, "#1 a\n#1 ...\n\n#2 b\n#2 0.345 late\n");
}

}  // namespace
}  // namespace slipway::progress
