// What happens in a build, as values: the same model as BuildKit's client.SolveStatus, so that its
// rawjson readers understand ours.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "oci/digest.h"

namespace slipway::progress {

using Time = std::chrono::system_clock::time_point;

// Steps that are shown as one: the copy and the merge of COPY --link. A group shows once one of its
// steps that is not weak has started.
struct ProgressGroup {
  std::string id;
  std::string name;
  bool weak = false;
  bool operator==(const ProgressGroup&) const = default;
};

// A step: announced, then started, then completed (each time with all that is known so far).
struct VertexEvent {
  Digest digest;
  std::string name;  // "[deps 2/3] RUN uv sync"
  std::vector<Digest> inputs;
  std::optional<Time> started;
  std::optional<Time> completed;
  bool cached = false;
  std::string error;  // empty: none
  std::optional<ProgressGroup> group;
};

// Part of a step that has a size: "extracting sha256:…", "transferring context". Bytes unless total
// is 0.
struct StatusEvent {
  Digest vertex;
  std::string id;
  int64_t current = 0;
  int64_t total = 0;
  Time timestamp;
  std::optional<Time> started;
  std::optional<Time> completed;
};

struct LogEvent {
  Digest vertex;
  int stream = 1;    // 1 stdout, 2 stderr
  std::string data;  // any bytes, not cut at line ends
  Time timestamp;
};

struct WarningEvent {
  Digest vertex;
  std::string message;
  std::string detail;
  std::string url;
  std::vector<SourceSpan> spans;
};

using Event = std::variant<VertexEvent, StatusEvent, LogEvent, WarningEvent>;

}  // namespace slipway::progress
