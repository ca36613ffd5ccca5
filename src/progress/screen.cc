#include "progress/screen.h"

#include <algorithm>

#include <fmt/format.h>

#include "progress/plain.h"

namespace slipway::progress {
namespace {

constexpr char kBlue[] = "\x1b[34m";
constexpr char kRed[] = "\x1b[31m";
constexpr char kYellow[] = "\x1b[33m";
constexpr char kReset[] = "\x1b[0m";

std::string seconds(Time::duration duration) {
  return fmt::format("{:.1f}s", std::chrono::duration<double>(duration).count());
}

// What a terminal would act on is shown as nothing; tabs as a space. Bytes of UTF-8 stay.
std::string printable(std::string_view text) {
  std::string clean;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b' && i + 1 < text.size() && text[i + 1] == '[') {
      // A control sequence ends with a letter (ECMA-48, 5.4).
      for (i += 2; i < text.size() && (text[i] < '@' || text[i] > '~'); ++i) {
      }
      continue;
    }
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == '\t') clean += ' ';
    if (byte >= 0x20 && byte != 0x7f) clean += text[i];
  }
  return clean;
}

// Cells, counting each UTF-8 character as one.
size_t width(std::string_view text) {
  return static_cast<size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string cut(std::string_view text, size_t cells) {
  size_t end = 0;
  for (size_t count = 0; end < text.size(); ++end) {
    if ((static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) continue;
    if (count++ == cells) break;
  }
  return std::string(text.substr(0, end));
}

std::string status_text(const StatusEvent& status) {
  std::string text = status.id;
  if (status.total != 0) {
    text += fmt::format(" {} / {}", plain_bytes(status.current), plain_bytes(status.total));
    if (!status.completed) {
      text += fmt::format(" {:3.0f}%", 100.0 * static_cast<double>(status.current) /
                                           static_cast<double>(status.total));
    }
  } else if (status.current != 0) {
    text += " " + plain_bytes(status.current);
  }
  return text;
}

}  // namespace

void Screen::handle(const Event& event) {
  std::visit([this](const auto& e) { on(e); }, event);
}

void Screen::on(const VertexEvent& event) {
  const auto [at, added] = by_digest_.emplace(event.digest, vertices_.size());
  if (added) vertices_.emplace_back();
  Vertex& v = vertices_[at->second];
  v.name = printable(event.name);
  if (event.started && !v.started) v.started = event.started;
  v.completed = event.completed;
  v.cached = event.cached;
  v.error = printable(event.error);
}

void Screen::on(const StatusEvent& event) {
  const auto found = by_digest_.find(event.vertex);
  if (found == by_digest_.end()) return;
  std::vector<StatusEvent>& statuses = vertices_[found->second].statuses;
  const auto same = std::ranges::find(statuses, event.id, &StatusEvent::id);
  if (same == statuses.end()) {
    statuses.push_back(event);
  } else {
    *same = event;
  }
}

void Screen::on(const LogEvent& event) {
  const auto found = by_digest_.find(event.vertex);
  if (found == by_digest_.end()) return;
  Vertex& v = vertices_[found->second];
  for (const char c : event.data) {
    if (c == '\n') {
      v.log.push_back(printable(std::exchange(v.partial, {})));
      if (v.log.size() > static_cast<size_t>(options_.log_lines)) v.log.pop_front();
    } else if (c == '\r') {
      v.partial.clear();  // a progress bar redraws its line
    } else {
      v.partial += c;
    }
  }
}

void Screen::on(const WarningEvent&) {}

std::vector<Screen::Row> Screen::rows_of(const Vertex& v, Time now, bool with_details) const {
  std::vector<Row> rows;
  const bool running = !v.completed;
  Row head{" => ", seconds(v.completed.value_or(now) - v.started.value_or(now)),
           running ? "" : kBlue};
  if (v.error == "context canceled") {
    head = {" => CANCELED ", head.right, kYellow};
  } else if (!v.error.empty()) {
    head = {" => ERROR ", head.right, kRed};
  } else if (v.cached) {
    head.text += "CACHED ";
  }
  head.text += v.name;
  rows.push_back(std::move(head));
  if (!with_details) return rows;
  for (const StatusEvent& s : v.statuses) {
    rows.push_back({" => => " + status_text(s),
                    s.started ? seconds(s.completed.value_or(now) - *s.started) : "",
                    s.completed ? kBlue : ""});
  }
  if (running) {
    for (const std::string& line : v.log) rows.push_back({" => => # " + line, "", ""});
  }
  return rows;
}

std::string Screen::format(const Row& row) const {
  const auto columns = static_cast<size_t>(options_.columns);
  const size_t right = row.right.size() + 1;
  const size_t left = columns > right ? columns - right : 0;
  std::string text = cut(row.text, left);
  const std::string space(left - width(text) + 1, ' ');
  if (!row.right.empty()) text += space + row.right;
  if (options_.colors && *row.color != '\0') text = row.color + text + kReset;
  return text;
}

std::vector<std::string> Screen::lines(Time now, bool finished) const {
  size_t completed = 0;
  size_t known = 0;
  // Room goes to running steps with their details first, then to the steps that ended last.
  std::vector<size_t> running, ended;
  for (size_t i = 0; i < vertices_.size(); ++i) {
    const Vertex& v = vertices_[i];
    ++known;
    if (v.completed) ++completed;
    if (v.started) (v.completed ? ended : running).push_back(i);
  }
  std::ranges::stable_sort(ended, {}, [this](size_t i) { return *vertices_[i].completed; });

  std::vector<Row> rows;
  const size_t room = finished ? SIZE_MAX : static_cast<size_t>(std::max(options_.rows - 2, 3));
  std::vector<Row> details;
  for (const size_t i : running) {
    for (Row& row : rows_of(vertices_[i], now, true)) details.push_back(std::move(row));
  }
  if (details.size() > room)
    details.erase(details.begin(), details.end() - static_cast<long>(room));
  const size_t left = room - details.size();
  const size_t skip = ended.size() > left ? ended.size() - left : 0;
  for (size_t k = skip; k < ended.size(); ++k) {
    for (Row& row : rows_of(vertices_[ended[k]], now, finished)) rows.push_back(std::move(row));
  }
  for (Row& row : details) rows.push_back(std::move(row));

  std::vector<std::string> lines{cut(fmt::format("[+] Building {} ({}/{}){}", seconds(now - begin_),
                                                 completed, known, finished ? " FINISHED" : ""),
                                     static_cast<size_t>(options_.columns))};
  for (const Row& row : rows) lines.push_back(format(row));
  return lines;
}

}  // namespace slipway::progress
