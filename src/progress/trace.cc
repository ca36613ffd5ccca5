#include "progress/trace.h"

#include <algorithm>

#include <fmt/format.h>

namespace slipway::progress {

namespace {

double seconds_of(Time::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

// More decimals for younger steps: "0.345", "12.34", "123.4".
std::string since_start(const TraceVertex& vertex, Time time) {
  const std::optional<Time> start = vertex.intervals.latest_start();
  const double seconds = start ? seconds_of(time - *start) : 0;
  return fmt::format("{:.{}f}", seconds, seconds < 10 ? 3 : seconds < 100 ? 2 : 1);
}

void add_output(TraceVertex& vertex, const LogEvent& event) {
  std::string_view data = event.data;
  while (!data.empty()) {
    const size_t end = data.find('\n');
    const std::string_view text = data.substr(0, end);
    if (vertex.last_line_open && !vertex.lines.empty()) {
      vertex.lines.back() += text;
    } else {
      vertex.lines.push_back(fmt::format("{} {}", since_start(vertex, event.timestamp), text));
    }
    vertex.last_line_open = end == std::string_view::npos;
    data.remove_prefix(vertex.last_line_open ? data.size() : end + 1);
  }
}

void add_tail(TraceVertex& vertex, std::string_view data, size_t limit) {
  vertex.output_bytes += data.size();
  for (const char c : data) {
    if (c == '\n') {
      vertex.tail.push_back(std::exchange(vertex.tail_open, {}));
      if (vertex.tail.size() > limit) vertex.tail.pop_front();
    } else if (c == '\r') {
      vertex.tail_open.clear();  // a progress bar redraws its line
    } else {
      vertex.tail_open += c;
    }
  }
}

}  // namespace

std::vector<Intervals::Interval> Intervals::merged() const {
  std::vector<Interval> merged;
  for (const auto& [start, stop] : times_) {
    if (merged.empty() || (merged.back().stop && *merged.back().stop < start)) {
      merged.push_back({start, stop});
    } else if (!merged.back().stop) {
      break;  // runs still: what started after it is part of it
    } else if (!stop || *merged.back().stop < *stop) {
      merged.back().stop = stop;
    }
  }
  return merged;
}

std::optional<Time> Intervals::completed() const {
  return times_.empty() ? std::nullopt : merged().back().stop;
}

std::optional<Time> Intervals::latest_start() const {
  return times_.empty() ? std::nullopt : std::optional(merged().back().start);
}

Time::duration Intervals::duration(Time now) const {
  Time::duration total{};
  for (const Interval& interval : merged()) total += interval.stop.value_or(now) - interval.start;
  return total;
}

void Trace::handle(const Event& event, Time now) {
  std::visit([&](const auto& e) { on(e, now); }, event);
}

TraceVertex& Trace::add(std::string name) {
  vertices_.push_back(std::make_unique<TraceVertex>());
  vertices_.back()->name = std::move(name);
  return *vertices_.back();
}

TraceVertex* Trace::find(const Digest& digest) {
  const auto found = by_digest_.find(digest);
  return found == by_digest_.end() ? nullptr : found->second;
}

void Trace::updated(TraceVertex& vertex, Time now) {
  if (vertex.updates == 0) vertex.updates_since = now;
  ++vertex.updates;
  updated_.insert(&vertex);
}

void Trace::on(const VertexEvent& event, Time now) {
  if (event.started && !begin_) begin_ = event.started;
  if (event.group) {
    on_member(event, now);
    return;
  }
  TraceVertex* known = find(event.digest);
  TraceVertex& vertex = known != nullptr ? *known : add(event.name);
  by_digest_[event.digest] = &vertex;
  if (!event.started) {
    // Announced, perhaps again; that changes nothing about a step that has started.
    if (!vertex.started()) vertex.name = event.name;
    return;
  }
  if (!vertex.started()) shown_.push_back(&vertex);
  vertex.name = event.name;
  vertex.cached = event.cached;
  vertex.error = event.error;
  vertex.intervals.set(*event.started, event.completed);
  updated(vertex, now);
}

void Trace::on_member(const VertexEvent& event, Time now) {
  const auto [position, is_new] = groups_.try_emplace(event.group->id);
  Group& group = position->second;
  if (is_new) {
    group.vertex = &add(event.group->name);
    group.vertex->hidden = true;
  }
  by_digest_[event.digest] = group.vertex;
  group.members[event.digest] = event;

  TraceVertex& vertex = *group.vertex;
  const bool was_hidden = vertex.hidden;
  vertex.cached = true;
  vertex.error.clear();
  for (const auto& [digest, member] : group.members) {
    if (member.started) {
      vertex.intervals.set(*member.started, member.completed);
      if (!member.group->weak) vertex.hidden = false;
    }
    vertex.cached = vertex.cached && member.cached;
    if (vertex.error.empty()) vertex.error = member.error;
    if (!member.error.empty()) vertex.hidden = false;
  }
  if (vertex.hidden) return;
  if (was_hidden) shown_.push_back(&vertex);
  updated(vertex, now);
}

void Trace::on(const StatusEvent& event, Time now) {
  TraceVertex* vertex = find(event.vertex);
  if (vertex == nullptr) return;
  const auto known = std::ranges::find(vertex->statuses, event.id, &StatusEvent::id);
  if (known == vertex->statuses.end()) {
    vertex->statuses.push_back(event);
  } else {
    *known = event;
  }
  vertex->updated_statuses.insert(event.id);
  updated(*vertex, now);
}

void Trace::on(const LogEvent& event, Time now) {
  TraceVertex* vertex = find(event.vertex);
  if (vertex == nullptr || event.data.empty()) return;
  if (tail_lines_ > 0) {
    add_tail(*vertex, event.data, tail_lines_);
  } else {
    add_output(*vertex, event);
  }
  updated(*vertex, now);
}

void Trace::on(const WarningEvent& event, Time now) {
  TraceVertex* vertex = find(event.vertex);
  if (vertex == nullptr) return;
  vertex->warnings.push_back(event.message);
  updated(*vertex, now);
}

size_t Trace::total() const {
  return static_cast<size_t>(
      std::ranges::count_if(vertices_, [](const auto& vertex) { return !vertex->hidden; }));
}

size_t Trace::completed() const {
  return static_cast<size_t>(std::ranges::count_if(
      vertices_, [](const auto& vertex) { return !vertex->hidden && vertex->completed(); }));
}

std::string format_bytes(int64_t bytes) {
  constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  for (; value >= 1000 && unit + 1 < std::size(kUnits); ++unit) value /= 1000;
  return unit == 0 ? fmt::format("{}B", bytes) : fmt::format("{:.2f}{}", value, kUnits[unit]);
}

std::string format_seconds(Time::duration duration) {
  return fmt::format("{:.1f}s", seconds_of(duration));
}

}  // namespace slipway::progress
