#include "progress/joined.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::progress {
namespace {

using testing::ElementsAre;

class Collector : public Sink {
 public:
  void handle(const Event& event) override {
    if (const auto* vertex = std::get_if<VertexEvent>(&event)) seen.push_back(vertex->name);
    if (const auto* log = std::get_if<LogEvent>(&event)) seen.push_back(log->data);
  }
  std::vector<std::string> seen;
};

const Digest kShared = Digest::sha256_of("shared");

TEST(JoinedSink, a_shared_step_is_shown_once) {
  Collector out;
  JoinedSink joined(out);
  const auto core = joined.target("core");
  const auto llm = joined.target("llm");
  for (Sink* target : {core.get(), llm.get()}) {
    target->handle(VertexEvent{.digest = kShared, .name = "[base 1/2] RUN x"});
    target->handle(LogEvent{kShared, 1, "output", {}});
  }
  llm->handle(VertexEvent{.digest = Digest::sha256_of("own"), .name = "exporting"});
  EXPECT_THAT(out.seen, ElementsAre("[core base 1/2] RUN x", "output", "[llm] exporting"));
}

TEST(JoinedSink, a_step_goes_on_for_the_target_that_still_needs_it) {
  Collector out;
  JoinedSink joined(out);
  auto core = joined.target("core");
  const auto llm = joined.target("llm");
  core->handle(LogEvent{kShared, 1, "one", {}});
  llm->handle(LogEvent{kShared, 1, "one", {}});
  core.reset();
  llm->handle(LogEvent{kShared, 1, "two", {}});
  EXPECT_THAT(out.seen, ElementsAre("one", "two"));
}

}  // namespace
}  // namespace slipway::progress
