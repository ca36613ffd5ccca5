#include "progress/screen.h"

#include <algorithm>

#include <fmt/format.h>

namespace slipway::progress {

namespace {

constexpr char kBlue[] = "\x1b[34m";
constexpr char kRed[] = "\x1b[31m";
constexpr char kYellow[] = "\x1b[33m";
constexpr char kFaint[] = "\x1b[2m";
constexpr char kReset[] = "\x1b[0m";

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
  if (status.total == 0) return status.current == 0 ? "" : format_bytes(status.current);
  std::string text =
      fmt::format("{} / {}", format_bytes(status.current), format_bytes(status.total));
  if (!status.completed) {
    text += fmt::format(" {:3.0f}%", 100.0 * static_cast<double>(status.current) /
                                         static_cast<double>(status.total));
  }
  return text;
}

// The last rows; of those before them, the ones that still run take the place of ended ones.
template <typename Row>
std::vector<Row> fit(std::vector<Row> rows, size_t limit) {
  if (rows.size() <= limit) return rows;
  const auto cut_at = rows.end() - static_cast<ptrdiff_t>(limit);
  std::vector<Row> running;
  std::copy_if(rows.begin(), cut_at, std::back_inserter(running),
               [](const Row& row) { return !row.completed; });
  std::vector<Row> kept;
  size_t wanted = running.size();
  for (auto row = cut_at; row != rows.end(); ++row) {
    if (row->completed && wanted > 0) {
      --wanted;
    } else {
      kept.push_back(*row);
    }
  }
  const size_t room = limit - kept.size();
  kept.insert(kept.begin(), running.end() - static_cast<ptrdiff_t>(room), running.end());
  return kept;
}

}  // namespace

std::string Screen::colored(std::string text, const char* color) const {
  return options_.colors && *color != '\0' ? color + text + kReset : text;
}

void Screen::add_rows(std::vector<Row>& rows, const TraceVertex& vertex, Time now) const {
  const bool completed = vertex.completed();
  const Time::duration duration = vertex.intervals.duration(now);
  Row head{" => ", "", duration, completed, completed ? kBlue : "", &vertex};
  if (vertex.canceled()) {
    head.text += "CANCELED ";
    head.color = kYellow;
  } else if (!vertex.error.empty()) {
    head.text += "ERROR ";
    head.color = kRed;
  }
  if (vertex.cached) head.text += "CACHED ";
  head.text += printable(vertex.name);
  rows.push_back(std::move(head));
  for (const StatusEvent& status : vertex.statuses) {
    if (!status.started) continue;
    rows.push_back({" => => " + printable(status.id), status_text(status),
                    status.completed.value_or(now) - *status.started, status.completed.has_value(),
                    status.completed ? kBlue : ""});
  }
  for (const std::string& warning : vertex.warnings) {
    rows.push_back({" => WARN: " + printable(warning), "", duration, completed, kYellow});
  }
}

std::vector<Screen::Row> Screen::rows(Time now) const {
  std::vector<Row> rows;
  for (const TraceVertex* vertex : trace_.shown()) add_rows(rows, *vertex, now);
  return rows;
}

size_t Screen::choose_tails(std::vector<Row>& rows) const {
  std::vector<Row*> candidates;
  auto free = static_cast<ptrdiff_t>(options_.rows) - 2;
  for (Row& row : rows) {
    if (!row.completed) --free;
    if (!row.completed && row.vertex != nullptr && !row.vertex->tail.empty()) {
      candidates.push_back(&row);
    }
  }
  std::ranges::stable_sort(candidates, std::ranges::greater(),
                           [](const Row* row) { return row->vertex->output_bytes; });
  size_t taken = 0;
  const ptrdiff_t each = options_.log_lines + 3;
  for (Row* row : candidates) {
    if (free <= each) break;
    free -= each;
    row->shows_tail = true;
    taken += row->vertex->tail.size();
  }
  return taken;
}

std::string Screen::format(const Row& row) const {
  // One cell stays free: a terminal goes to the next line when the last one is written.
  const auto columns = static_cast<size_t>(std::max(options_.columns, 1)) - 1;
  const std::string right = " " + format_seconds(row.duration);
  size_t left = columns > right.size() ? columns - right.size() : 0;
  std::string status;
  if (!row.status.empty() && left > 20 + row.status.size()) {
    status = " " + row.status;
    left -= status.size();
  }
  std::string text = cut(row.text, left) + status;
  const size_t used = width(text) + right.size();
  text += std::string(columns > used ? columns - used : 0, ' ') + right;
  return colored(cut(text, columns), row.color);
}

std::vector<std::string> Screen::lines(Time now, bool finished) const {
  const size_t completed = trace_.completed();
  const size_t total = trace_.total();
  const auto columns = static_cast<size_t>(std::max(options_.columns, 1)) - 1;
  const bool all = finished && completed > 0 && completed == total;
  std::vector<std::string> lines = {
      cut(fmt::format("[+] Building {} ({}/{}){}", format_seconds(now - begin_), completed, total,
                      all ? " FINISHED" : ""),
          columns)};
  std::vector<Row> all_rows = rows(now);
  if (!finished) {
    const size_t tails = choose_tails(all_rows);
    const auto room = static_cast<size_t>(std::max(options_.rows - 2, 1));
    all_rows = fit(std::move(all_rows), room > tails ? room - tails : 1);
  }
  for (const Row& row : all_rows) {
    lines.push_back(format(row));
    if (!row.shows_tail) continue;
    for (const std::string& line : row.vertex->tail) {
      lines.push_back(colored(cut(" => => # " + printable(line), columns), kFaint));
    }
  }
  return lines;
}

}  // namespace slipway::progress
