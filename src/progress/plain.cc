#include "progress/plain.h"

#include <fmt/format.h>

namespace slipway::progress {
namespace {

using namespace std::chrono_literals;

// How long a silent block stays open while others wait, and how often a transfer's line is
// repeated.
constexpr auto kPatience = 1s;
constexpr auto kStatusInterval = 1s;

double seconds(Time::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

std::string plain_bytes(int64_t bytes) {
  constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  for (; value >= 1000 && unit + 1 < std::size(kUnits); ++unit) value /= 1000;
  return unit == 0 ? fmt::format("{}B", bytes) : fmt::format("{:.2f}{}", value, kUnits[unit]);
}

void PlainSink::handle(const Event& event) {
  auto state = state_.lock();
  std::visit([&](const auto& e) { state->on(e); }, event);
  state->flush(std::chrono::system_clock::now(), false);
}

void PlainSink::finish() {
  auto state = state_.lock();
  state->flush(std::chrono::system_clock::now(), true);
}

PlainSink::Vertex& PlainSink::State::vertex(const Digest& digest) {
  const auto [at, added] = by_digest.emplace(digest, vertices.size());
  if (added) vertices.push_back({.digest = digest});
  return vertices[at->second];
}

void PlainSink::State::on(const VertexEvent& event) {
  Vertex& v = vertex(event.digest);
  v.name = event.name;
  if (event.started && !v.started) v.started = event.started;
  if (!event.completed || v.completed) return;
  v.completed = event.completed;
  v.cached = event.cached;
  v.error = event.error;
  if (!v.partial.empty()) add_line(v, std::exchange(v.partial, {}));
}

void PlainSink::State::on(const StatusEvent& event) {
  Vertex& v = vertex(event.vertex);
  const auto last = v.status_shown.find(event.id);
  if (!event.completed && last != v.status_shown.end() &&
      event.timestamp - last->second < kStatusInterval) {
    return;
  }
  v.status_shown[event.id] = event.timestamp;
  std::string line = event.id;
  if (event.total != 0) {
    line += fmt::format(" {} / {}", plain_bytes(event.current), plain_bytes(event.total));
  } else if (event.current != 0) {
    line += " " + plain_bytes(event.current);
  }
  const Time until = event.completed.value_or(event.timestamp);
  if (event.started && until - *event.started > 10ms) {
    line += fmt::format(" {:.1f}s", seconds(until - *event.started));
  }
  if (event.completed) line += " done";
  v.waiting += line + "\n";
}

void PlainSink::State::on(const LogEvent& event) {
  Vertex& v = vertex(event.vertex);
  const double since = v.started ? seconds(event.timestamp - *v.started) : 0;
  std::string_view data = event.data;
  for (size_t end; (end = data.find('\n')) != std::string_view::npos; data.remove_prefix(end + 1)) {
    v.partial += data.substr(0, end);
    // A line that was redrawn in place is shown as it ended.
    if (v.partial.ends_with('\r')) v.partial.pop_back();
    add_line(v, fmt::format("{:.3f} {}", since, std::exchange(v.partial, {})));
  }
  v.partial += data;
}

void PlainSink::State::on(const WarningEvent& event) {
  add_line(vertex(event.vertex), "WARN: " + event.message);
}

void PlainSink::State::add_line(Vertex& v, std::string_view line) {
  v.waiting += line;
  v.waiting += '\n';
}

void PlainSink::State::flush(Time now, bool everything) {
  // Those that have ended first: their blocks can be closed at once.
  for (Vertex& v : vertices) {
    if (!v.completed || v.ended) continue;
    show(v);
    end(v);
  }
  Vertex* open = current.empty() ? nullptr : &vertices[by_digest[current]];
  if (open != nullptr && !open->waiting.empty()) {
    show(*open);
    current_wrote = now;
  }
  const bool may_switch = open == nullptr || everything || now - current_wrote > kPatience;
  if (!may_switch) return;
  for (Vertex& v : vertices) {
    if (v.waiting.empty() && !(open == nullptr && v.started && !v.ended && v.number == 0)) continue;
    show(v);
    current_wrote = now;
    if (!everything) return;
  }
}

void PlainSink::State::show(Vertex& v) {
  if (current != v.digest) {
    if (!current.empty()) write(fmt::format("#{} ...\n\n", vertices[by_digest[current]].number));
    if (v.number == 0) v.number = ++shown;
    write(fmt::format("#{} {}\n", v.number, v.name));
    current = v.digest;
  }
  std::string_view lines = v.waiting;
  std::string text;
  while (!lines.empty()) {
    const size_t end = lines.find('\n') + 1;
    text += fmt::format("#{} {}", v.number, lines.substr(0, end));
    lines.remove_prefix(end);
  }
  v.waiting.clear();
  if (!text.empty()) write(text);
}

void PlainSink::State::end(Vertex& v) {
  v.ended = true;
  std::string line;
  if (v.error == "context canceled") {
    line = "CANCELED";
  } else if (!v.error.empty()) {
    line = "ERROR: " + v.error;
  } else if (v.cached) {
    line = "CACHED";
  } else {
    line = fmt::format("DONE {:.1f}s", seconds(*v.completed - v.started.value_or(*v.completed)));
  }
  write(fmt::format("#{} {}\n\n", v.number, line));
  current = {};
}

}  // namespace slipway::progress
