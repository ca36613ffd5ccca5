#include "progress/plain.h"

#include <algorithm>

#include <fmt/format.h>

namespace slipway::progress {

namespace {

using namespace std::chrono_literals;

// News within this time are printed together: steps that are found in the cache come as blocks.
constexpr auto kPrintInterval = 100ms;
constexpr auto kTick = 150ms;
// A transfer's line is repeated when it has come so far, or after so long.
constexpr double kStatusProgress = 0.05;
constexpr auto kStatusInterval = 5s;
// An open block stays at least about this long while others write, and no other waits longer.
constexpr auto kBlockTime = 5s;
constexpr auto kLongestWait = 10s;

double seconds(Time::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

// Updates per second since its block was last shown.
double speed(const TraceVertex& vertex, Time now) {
  const double waited = seconds(now - vertex.updates_since);
  return vertex.updates / std::max(waited, 1e-9);
}

}  // namespace

void PlainPrinter::print(Time now) {
  std::set<TraceVertex*> updated = trace_.take_updated();
  updated.merge(waiting_);
  waiting_.clear();
  std::vector<TraceVertex*> completed;
  for (TraceVertex* vertex : updated) {
    if (vertex->hidden) continue;
    if (vertex->completed()) {
      completed.push_back(vertex);
    } else {
      waiting_.insert(vertex);
    }
  }
  // What has ended comes first, the open block before all.
  std::ranges::sort(completed, {}, [this](const TraceVertex* vertex) {
    return std::tuple(vertex != current_, *vertex->intervals.completed(), vertex->number,
                      vertex->name);
  });
  const bool current_ended = std::ranges::find(completed, current_) != completed.end();
  for (TraceVertex* vertex : completed) show(*vertex, now);

  if (waiting_.empty()) {
    if (current_ != nullptr && !current_->completed()) return;
    // Nobody writes: show what is running.
    for (TraceVertex* vertex : trace_.shown()) {
      if (vertex->completed()) continue;
      show(*vertex, now);
      break;
    }
  } else {
    if (waiting_.contains(current_)) show(*current_, now);
    TraceVertex* next = next_block(waiting_, current_ended, now);
    if (next != nullptr) show(*next, now);
  }
}

// The block to open now, if it is another one's turn.
TraceVertex* PlainPrinter::next_block(const std::set<TraceVertex*>& waiting, bool current_ended,
                                      Time now) const {
  TraceVertex* busiest = nullptr;
  double all = 0;
  std::vector<TraceVertex*> candidates(waiting.begin(), waiting.end());
  if (current_ != nullptr && !waiting.contains(current_)) candidates.push_back(current_);
  // Addresses must not decide what comes first.
  std::ranges::sort(candidates, {}, [&](const TraceVertex* vertex) {
    return std::ranges::find(trace_.shown(), vertex) - trace_.shown().begin();
  });
  for (TraceVertex* vertex : candidates) {
    const bool too_long = vertex != current_ && now - vertex->updates_since > kLongestWait;
    if (too_long && current_ != nullptr && !current_ended) return vertex;
    all += speed(*vertex, now);
    if (busiest == nullptr || too_long || speed(*busiest, now) < speed(*vertex, now)) {
      busiest = vertex;
    }
  }
  if (current_ == nullptr || current_ended) return busiest;
  // The more of the output is its own, the longer the open block may go on.
  const double share = speed(*current_, now) / all;
  const double turn = seconds(kBlockTime) / (1 - share);
  return turn < seconds(now - current_->updates_since) ? busiest : nullptr;
}

void PlainPrinter::finish(Time now) {
  print(now);
  const std::set<TraceVertex*> rest = std::exchange(waiting_, {});
  for (TraceVertex* vertex : trace_.shown()) {
    if (rest.contains(vertex)) show(*vertex, now);
  }
  if (current_ != nullptr && current_->last_line_open && current_->last_line_shown > 0)
    write_("\n");
}

void PlainPrinter::show(TraceVertex& vertex, Time now) {
  waiting_.erase(&vertex);
  open_block(vertex);
  const bool status_runs = show_statuses(vertex);
  for (; vertex.warnings_shown < vertex.warnings.size(); ++vertex.warnings_shown) {
    text_ += fmt::format("#{} WARN: {}\n", vertex.number, vertex.warnings[vertex.warnings_shown]);
  }
  show_lines(vertex);
  current_ = &vertex;
  if (vertex.completed() && !status_runs) end_block(vertex, now);
  if (!text_.empty()) write_(std::exchange(text_, {}));
}

void PlainPrinter::open_block(TraceVertex& vertex) {
  if (vertex.number == 0) vertex.number = ++numbers_;
  if (current_ == &vertex) return;
  if (current_ != nullptr) {
    if (current_->last_line_open && current_->last_line_shown > 0) text_ += '\n';
    // When it goes on, an open line is shown again from its start.
    current_->last_line_shown = 0;
    current_->updates = 0;
    text_ += fmt::format("#{} ...\n", current_->number);
  }
  if (!first_) text_ += '\n';
  first_ = false;
  text_ += fmt::format("#{} {}\n", vertex.number, vertex.name);
}

// Returns whether a transfer of this step still runs.
bool PlainPrinter::show_statuses(TraceVertex& vertex) {
  bool running = false;
  const std::set<std::string> updated = std::exchange(vertex.updated_statuses, {});
  for (const StatusEvent& status : vertex.statuses) {
    if (!updated.contains(status.id)) continue;
    const auto last = status_shown_.find({&vertex, status.id});
    if (last != status_shown_.end() && !status.completed) {
      const double advance = status.total == 0
                                 ? 0
                                 : static_cast<double>(status.current - last->second.current) /
                                       static_cast<double>(status.total);
      if (advance < kStatusProgress &&
          status.timestamp - last->second.timestamp < kStatusInterval) {
        continue;
      }
    }
    status_shown_[{&vertex, status.id}] = {status.current, status.timestamp};
    text_ += fmt::format("#{} {}", vertex.number, status.id);
    if (status.total != 0) {
      text_ += fmt::format(" {} / {}", format_bytes(status.current), format_bytes(status.total));
    } else if (status.current != 0) {
      text_ += " " + format_bytes(status.current);
    }
    const Time until = status.completed.value_or(status.timestamp);
    if (status.started && until - *status.started > 10ms) {
      text_ += " " + format_seconds(until - *status.started);
    }
    text_ += status.completed ? " done\n" : "\n";
    running = running || !status.completed;
  }
  return running;
}

void PlainPrinter::show_lines(TraceVertex& vertex) {
  if (vertex.lines.empty()) return;
  for (size_t i = 0; i < vertex.lines.size(); ++i) {
    const std::string& line = vertex.lines[i];
    const bool goes_on = i == 0 && vertex.last_line_shown > 0;
    text_ +=
        goes_on ? line.substr(vertex.last_line_shown) : fmt::format("#{} {}", vertex.number, line);
    const bool open = i + 1 == vertex.lines.size() && vertex.last_line_open;
    if (!open) text_ += '\n';
  }
  vertex.last_line_shown = 0;
  if (vertex.last_line_open) {
    vertex.lines.erase(vertex.lines.begin(), vertex.lines.end() - 1);
    vertex.last_line_shown = vertex.lines.back().size();
  } else {
    vertex.lines.clear();
  }
}

void PlainPrinter::end_block(TraceVertex& vertex, Time now) {
  current_ = nullptr;
  vertex.updates = 0;
  if (vertex.last_line_open) text_ += '\n';
  vertex.lines.clear();
  vertex.last_line_open = false;
  vertex.last_line_shown = 0;
  std::string end = "DONE " + format_seconds(vertex.intervals.duration(now));
  if (vertex.canceled()) {
    end = "CANCELED";
  } else if (!vertex.error.empty()) {
    end = "ERROR: " + vertex.error;
  } else if (vertex.cached) {
    end = "CACHED";
  }
  text_ += fmt::format("#{} {}\n", vertex.number, end);
}

PlainSink::PlainSink(std::function<void(std::string_view)> write)
    : state_(State{PlainPrinter(std::move(write)), Time()}),
      ticker_([this](std::stop_token stop) { print_until(stop); }) {}

PlainSink::~PlainSink() {
  finish();
}

void PlainSink::handle(const Event& event) {
  auto state = state_.lock();
  if (state->finished) return;
  const Time now = std::chrono::system_clock::now();
  state->printer.handle(event, now);
  if (now - state->printed < kPrintInterval) return;
  state->printed = now;
  state->printer.print(now);
}

void PlainSink::print_until(std::stop_token stop) {
  while (!stop.stop_requested()) {
    auto state = state_.lock();
    (void)state.wait_for(stop, kTick, [](const State& s) { return s.finished; });
    if (state->finished) return;
    const Time now = std::chrono::system_clock::now();
    state->printed = now;
    state->printer.print(now);
  }
}

void PlainSink::finish() {
  {
    auto state = state_.lock();
    if (state->finished) return;
    state->printer.finish(std::chrono::system_clock::now());
    state->finished = true;
  }
  state_.notify_all();
}

}  // namespace slipway::progress
