// PlainSink: progress as lines of text, in the grammar that BuildKit's plain mode has and CI tools
// read:
//
//   #4 [2/3] RUN make            a block begins, or goes on after others
//   #4 0.345 output              seconds since the step began
//   #4 sha256:1f… 1.05MB / 3.62MB 0.2s done
//   #4 DONE 1.2s                 or CACHED, CANCELED, ERROR: …
//   #4 ...                       others come first
//
// Blocks of steps that run at the same time are not mixed line by line: one is open until its step
// ends or others have waited long enough; what the others write waits.
#pragma once

#include <functional>
#include <string>
#include <thread>

#include "base/guarded.h"
#include "progress/sink.h"
#include "progress/trace.h"

namespace slipway::progress {

// The text alone: no thread, no clock of its own. Not thread-safe.
class PlainPrinter {
 public:
  // `write` gets one or more lines (the last one without its end where the step has not ended it).
  explicit PlainPrinter(std::function<void(std::string_view)> write) : write_(std::move(write)) {}

  void handle(const Event& event, Time now) { trace_.handle(event, now); }
  // Writes the news since the last call, and decides which block is open.
  void print(Time now);
  // Writes all that waits. Call once, after the last event.
  void finish(Time now);

 private:
  void show(TraceVertex& vertex, Time now);
  void open_block(TraceVertex& vertex);
  bool show_statuses(TraceVertex& vertex);
  void show_lines(TraceVertex& vertex);
  void end_block(TraceVertex& vertex, Time now);
  TraceVertex* next_block(const std::set<TraceVertex*>& waiting, bool current_ended,
                          Time now) const;

  std::function<void(std::string_view)> write_;
  Trace trace_;
  std::string text_;                // being written
  TraceVertex* current_ = nullptr;  // whose block is open
  std::set<TraceVertex*> waiting_;  // with news, but another block is open
  bool first_ = true;
  int numbers_ = 0;
  struct Shown {
    int64_t current;
    Time timestamp;
  };
  std::map<std::pair<const TraceVertex*, std::string>, Shown> status_shown_;
};

class PlainSink : public Sink {
 public:
  // `write` is called under this sink's lock.
  explicit PlainSink(std::function<void(std::string_view)> write);
  // As finish().
  ~PlainSink() override;

  void handle(const Event& event) override;
  // Writes what still waits. Nothing is written after it.
  void finish();

 private:
  struct State {
    PlainPrinter printer;
    Time printed;
    bool finished = false;
  };
  void print_until(std::stop_token stop);

  Guarded<State> state_;
  std::jthread ticker_;  // last: ends before what it prints
};

}  // namespace slipway::progress
