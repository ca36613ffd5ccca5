#include "cli/history_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "base/unique_fd.h"
#include "progress/plain.h"
#include "progress/recorder.h"

namespace slipway::cli {
namespace {

using namespace std::chrono_literals;

// How often PlainSink prints.
constexpr auto kPrintInterval = 100ms;

// When the event happened; the epoch when it does not say.
progress::Time time_of(const progress::Event& event) {
  struct Visitor {
    progress::Time operator()(const progress::VertexEvent& e) const {
      return e.completed.value_or(e.started.value_or(progress::Time()));
    }
    progress::Time operator()(const progress::StatusEvent& e) const { return e.timestamp; }
    progress::Time operator()(const progress::LogEvent& e) const { return e.timestamp; }
    progress::Time operator()(const progress::WarningEvent&) const { return {}; }
  };
  return std::visit(Visitor(), event);
}

}  // namespace

Status replay_plain(const std::filesystem::path& file,
                    const std::function<Status(std::string_view)>& write) {
  Status written;
  progress::PlainPrinter printer([&](std::string_view text) {
    if (written) written = write(text);
  });
  // The clock is that of the events.
  progress::Time now, printed;
  TRY(replay_events(file, [&](const progress::Event& event) -> Status {
    const progress::Time time = time_of(event);
    if (now != progress::Time() && time - printed >= kPrintInterval) {
      printer.print(now);
      printed = time;
    }
    now = std::max(now, time);
    printer.handle(event, now);
    return written;
  }));
  printer.finish(now);
  return written;
}

Status replay_events(const std::filesystem::path& file,
                     const std::function<Status(const progress::Event&)>& handle) {
  const UniqueFd fd = TRY(open_file(file, O_RDONLY));
  std::string rest;
  std::string buffer(1 << 16, '\0');
  for (;;) {
    const ssize_t count = ::read(fd.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_error("read {}", file.string());
    if (count == 0) return {};
    rest.append(buffer, 0, static_cast<size_t>(count));
    size_t begin = 0;
    for (size_t end; (end = rest.find('\n', begin)) != std::string::npos; begin = end + 1) {
      const std::string_view line = std::string_view(rest).substr(begin, end - begin);
      if (const auto event = progress::parse_json_line(line)) TRY(handle(*event));
    }
    rest.erase(0, begin);
  }
}

StepFilter::StepFilter(std::string_view wanted) {
  std::string_view number = wanted;
  if (number.starts_with('#')) number.remove_prefix(1);
  by_number_ =
      !number.empty() && std::ranges::all_of(number, [](char c) { return c >= '0' && c <= '9'; });
  wanted_ = by_number_ ? std::string(number) : to_lower(wanted);
}

bool StepFilter::passes(std::string_view line) {
  if (!line.starts_with('#')) return false;
  const size_t space = std::min(line.find(' '), line.size());
  const std::string_view number = line.substr(1, space - 1);
  if (!seen_.contains(number)) {
    // The first line of a step has its name.
    seen_.emplace(number);
    const bool wanted = by_number_
                            ? number == wanted_
                            : to_lower(line.substr(space)).find(wanted_) != std::string::npos;
    if (wanted) matched_.emplace(number);
  }
  const bool passes = matched_.contains(number) && line.substr(space) != " ...";
  found_ = found_ || passes;
  return passes;
}

}  // namespace slipway::cli
