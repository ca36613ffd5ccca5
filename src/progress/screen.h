// Screen: what a build looks like at a moment, as lines for a terminal, in buildx's form:
//
//   [+] Building 3.2s (5/9)
//    => CACHED [1/3] FROM docker.io/library/python:3.11-slim            0.0s
//    => [2/3] RUN make                                                  2.1s
//    => => # the last lines that it wrote
//
// Holds the state, draws nothing by itself: TtySink does.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "progress/event.h"

namespace slipway::progress {

struct ScreenOptions {
  int columns = 80;
  int rows = 24;
  bool colors = true;
  int log_lines = 6;  // of a running step (BUILDKIT_TTY_LOG_LINES)
};

class Screen {
 public:
  Screen(ScreenOptions options, Time begin) : options_(options), begin_(begin) {}

  void handle(const Event& event);
  // At most options.rows - 1 lines of at most options.columns cells; all steps when `finished`.
  std::vector<std::string> lines(Time now, bool finished) const;

 private:
  struct Vertex {
    std::string name;
    std::optional<Time> started;
    std::optional<Time> completed;
    bool cached = false;
    std::string error;
    std::vector<StatusEvent> statuses;  // in order of first appearance
    std::deque<std::string> log;        // last lines
    std::string partial;
  };
  // One line before it is cut and coloured.
  struct Row {
    std::string text;
    std::string right;
    const char* color = "";
  };

  void on(const VertexEvent& event);
  void on(const StatusEvent& event);
  void on(const LogEvent& event);
  void on(const WarningEvent& event);
  std::vector<Row> rows_of(const Vertex& vertex, Time now, bool with_details) const;
  std::string format(const Row& row) const;

  ScreenOptions options_;
  Time begin_;
  std::vector<Vertex> vertices_;  // in order of announcement
  std::map<Digest, size_t> by_digest_;
};

}  // namespace slipway::progress
