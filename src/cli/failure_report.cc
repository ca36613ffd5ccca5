#include "cli/failure_report.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"

namespace slipway::cli {
namespace {

constexpr size_t kLastLines = 10;

}  // namespace

void FailureLog::handle(const progress::Event& event) {
  auto state = state_.lock();
  if (const auto* log = std::get_if<progress::LogEvent>(&event)) {
    Log& kept = state->logs[log->vertex];
    for (const char c : log->data) {
      if (c != '\n') {
        kept.partial += c;
        continue;
      }
      kept.lines.push_back(std::exchange(kept.partial, {}));
      if (kept.lines.size() > kLastLines) kept.lines.pop_front();
    }
    return;
  }
  const auto* vertex = std::get_if<progress::VertexEvent>(&event);
  if (vertex == nullptr || !vertex->completed) return;
  const auto log = state->logs.find(vertex->digest);
  if (!vertex->error.empty() && vertex->error != "context canceled") {
    Failure failure{vertex->digest, vertex->name, {}};
    if (log != state->logs.end()) {
      failure.last_lines.assign(log->second.lines.begin(), log->second.lines.end());
      if (!log->second.partial.empty()) failure.last_lines.push_back(log->second.partial);
    }
    state->failures.push_back(std::move(failure));
  }
  if (log != state->logs.end()) state->logs.erase(log);
}

std::vector<FailureLog::Failure> FailureLog::failures() {
  return state_.lock()->failures;
}

std::string excerpt(const SourceSpan& span, std::string_view file_text) {
  const std::vector<std::string> lines = split(file_text, '\n');
  const int count = static_cast<int>(lines.size());
  if (span.first_line < 1 || span.first_line > count) return "";
  const int end = std::min(count, std::max(span.last_line, span.first_line));
  // Two lines on each side of one, one on each side of several.
  const int around = end == span.first_line ? 2 : 1;
  std::string text = fmt::format("{}:{}\n--------------------\n", span.file, span.first_line);
  for (int number = std::max(1, span.first_line - around); number <= std::min(count, end + around);
       ++number) {
    const std::string& line = lines[static_cast<size_t>(number - 1)];
    const bool named = number >= span.first_line && number <= end;
    text += fmt::format("{:>4} | {} {}\n", number, named ? ">>>" : "   ", line);
  }
  return text + "--------------------\n";
}

std::string describe(const Error& error, const std::map<std::string, std::string>& files) {
  std::string text;
  for (const SourceSpan& span : error.spans()) {
    const auto file = files.find(span.file);
    if (file != files.end() && span.first_line > 0) {
      text += excerpt(span, file->second);
    } else if (span.first_line > 0) {
      text += fmt::format("{}:{}\n", span.file, span.first_line);
    }
  }
  const std::vector<std::string> lines = split(error.message(), '\n');
  for (const std::string& line : lines) text += "ERROR: " + line + "\n";
  if (!error.hint().empty()) text += "hint: " + error.hint() + "\n";
  return text;
}

int exit_code(const Error& error) {
  switch (error.code()) {
    case ErrorCode::Cancelled:
      return 130;
    case ErrorCode::ResourceExhausted:
      return 102;
    case ErrorCode::Internal:
      return 100;
    case ErrorCode::System:
    case ErrorCode::InvalidInput:
    case ErrorCode::NotFound:
    case ErrorCode::AlreadyExists:
    case ErrorCode::PermissionDenied:
    case ErrorCode::Unavailable:
    case ErrorCode::Unsupported:
    case ErrorCode::StepFailed:
      return 1;
  }
  return 1;
}

}  // namespace slipway::cli
