// Screen: what a build looks like at a moment, as lines for a terminal, in buildx's form:
//
//   [+] Building 3.2s (5/9)
//    => CACHED [1/3] FROM docker.io/library/python:3.11-slim            0.0s
//    => [2/3] RUN make                                                  2.1s
//    => => # the last lines that it wrote
//
// Holds the state, draws nothing by itself: TtySink does.
#pragma once

#include <string>
#include <vector>

#include "progress/event.h"
#include "progress/trace.h"

namespace slipway::progress {

struct ScreenOptions {
  int columns = 80;
  int rows = 24;
  bool colors = true;  // off by NO_COLOR
  int log_lines = 6;   // of a running step (BUILDKIT_TTY_LOG_LINES)
};

class Screen {
 public:
  Screen(ScreenOptions options, Time begin)
      : options_(options), begin_(begin), trace_(static_cast<size_t>(options.log_lines)) {}

  void handle(const Event& event) { trace_.handle(event, begin_); }
  // The terminal's size may change.
  void resize(int columns, int rows) {
    options_.columns = columns;
    options_.rows = rows;
  }
  // At most options.rows - 1 lines of less than options.columns cells; all steps when `finished`.
  std::vector<std::string> lines(Time now, bool finished) const;

 private:
  // One line before it is cut, aligned and coloured.
  struct Row {
    std::string text;
    std::string status;  // "1.05MB / 3.62MB  29%"
    Time::duration duration{};
    bool completed = false;
    const char* color = "";
    const TraceVertex* vertex = nullptr;  // of a step's own row
    bool shows_tail = false;
  };

  std::vector<Row> rows(Time now) const;
  void add_rows(std::vector<Row>& rows, const TraceVertex& vertex, Time now) const;
  // Lets the busiest steps show their last lines; returns the room that these take.
  size_t choose_tails(std::vector<Row>& rows) const;
  std::string format(const Row& row) const;
  std::string colored(std::string text, const char* color) const;

  ScreenOptions options_;
  Time begin_;
  Trace trace_;
};

}  // namespace slipway::progress
