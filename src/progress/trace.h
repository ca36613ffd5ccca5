// Trace: a build as its events have told so far; what the sinks for people draw from.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "progress/event.h"

namespace slipway::progress {

// A step may run more than once: looked up, then run. Overlapping times count once.
class Intervals {
 public:
  void set(Time start, std::optional<Time> stop) { times_[start] = stop; }
  bool started() const { return !times_.empty(); }
  // The last stop; nullopt while running (or not started).
  std::optional<Time> completed() const;
  std::optional<Time> latest_start() const;  // of the last interval
  Time::duration duration(Time now) const;

 private:
  struct Interval {
    Time start;
    std::optional<Time> stop;
  };
  std::vector<Interval> merged() const;

  std::map<Time, std::optional<Time>> times_;
};

struct TraceVertex {
  std::string name;
  bool cached = false;
  std::string error;
  Intervals intervals;
  bool hidden = false;                // a group of which only weak steps have run
  std::vector<StatusEvent> statuses;  // by first appearance
  std::vector<std::string> warnings;

  // ---- for PlainPrinter
  int number = 0;                          // given when first shown
  std::set<std::string> updated_statuses;  // ids
  size_t warnings_shown = 0;
  // Lines not shown yet, "0.345 text"; the last one may be without its end.
  std::vector<std::string> lines;
  bool last_line_open = false;
  size_t last_line_shown = 0;  // bytes of an open line that are on the screen
  int updates = 0;             // since its block was last shown
  Time updates_since;

  // ---- for Screen
  std::deque<std::string> tail;  // last lines of output, without times
  std::string tail_open;         // after the last line end
  size_t output_bytes = 0;

  bool started() const { return intervals.started(); }
  bool completed() const { return intervals.completed().has_value(); }
  bool canceled() const { return error.ends_with("context canceled"); }
};

class Trace {
 public:
  // Output kept for Screen; PlainPrinter needs none.
  explicit Trace(size_t tail_lines = 0) : tail_lines_(tail_lines) {}

  // `now` is when the event is handled.
  void handle(const Event& event, Time now);

  // Steps and groups, in the order in which they started; none that are hidden.
  const std::vector<TraceVertex*>& shown() const { return shown_; }
  // Those with news, until taken.
  std::set<TraceVertex*> take_updated() { return std::exchange(updated_, {}); }
  // All steps and groups that count, started or not.
  size_t total() const;
  size_t completed() const;
  std::optional<Time> begin() const { return begin_; }

 private:
  struct Group {
    TraceVertex* vertex;
    std::map<Digest, VertexEvent> members;
  };

  void on(const VertexEvent& event, Time now);
  void on(const StatusEvent& event, Time now);
  void on(const LogEvent& event, Time now);
  void on(const WarningEvent& event, Time now);
  void on_member(const VertexEvent& event, Time now);
  TraceVertex& add(std::string name);
  TraceVertex* find(const Digest& digest);
  void updated(TraceVertex& vertex, Time now);

  size_t tail_lines_;
  std::vector<std::unique_ptr<TraceVertex>> vertices_;
  std::map<Digest, TraceVertex*> by_digest_;  // a group's members point to the group
  std::map<std::string, Group> groups_;       // by id
  std::vector<TraceVertex*> shown_;
  std::set<TraceVertex*> updated_;
  std::optional<Time> begin_;
};

// "1.05MB", "123B": two decimals, decimal units, as BuildKit prints byte counts.
std::string format_bytes(int64_t bytes);
std::string format_seconds(Time::duration duration);  // "1.2s"

}  // namespace slipway::progress
