#include "progress/recorder.h"

#include <gtest/gtest.h>

namespace slipway::progress {
namespace {

const Digest kVertex = Digest::sha256_of("vertex");
const Time kTime =
    std::chrono::system_clock::from_time_t(1'700'000'000) + std::chrono::milliseconds(125);

TEST(Recorder, LogsComeBackByteForByte) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  for (size_t length : {0, 1, 2, 3, 255, 256}) {
    const auto event =
        parse_json_line(to_json_line(LogEvent{kVertex, 2, bytes.substr(0, length), kTime}));
    ASSERT_TRUE(event) << event.error().message();
    const auto& log = std::get<LogEvent>(*event);
    EXPECT_EQ(log.data, bytes.substr(0, length));
    EXPECT_EQ(log.stream, 2);
    EXPECT_EQ(log.timestamp, kTime);
  }
}

TEST(Recorder, VertexLineIsBuildKits) {
  const VertexEvent event{
      .digest = kVertex, .name = "[1/2] RUN \"x\"", .started = kTime, .cached = true};
  EXPECT_EQ(
      to_json_line(event),
      "{\"vertexes\":[{\"digest\":\"" + kVertex.str() +
          "\",\"name\":\"[1/2] RUN \\\"x\\\"\",\"started\":\"2023-11-14T22:13:20.125000000Z\","
          "\"cached\":true}]}\n");
}

TEST(Recorder, GroupsAndLinesOfWarningsComeBack) {
  const ProgressGroup group{"id", "COPY --link", true};
  const auto vertex = parse_json_line(to_json_line(VertexEvent{.digest = kVertex, .group = group}));
  ASSERT_TRUE(vertex);
  EXPECT_EQ(std::get<VertexEvent>(*vertex).group, group);
  const std::vector<SourceSpan> spans = {{"Dockerfile", 2, 3}};
  const auto warning =
      parse_json_line(to_json_line(WarningEvent{.vertex = kVertex, .spans = spans}));
  ASSERT_TRUE(warning);
  EXPECT_EQ(std::get<WarningEvent>(*warning).spans, spans);
}

TEST(Recorder, RefusesWhatIsNoEvent) {
  for (const char* line : {"", "{}", "[]", "null", "{\"logs\":[]}", "{\"vertexes\":[{\"name\":3}]}",
                           "{\"logs\":[{\"data\":\"?\"}]}"}) {
    EXPECT_FALSE(parse_json_line(line)) << line;
  }
}

}  // namespace
}  // namespace slipway::progress
