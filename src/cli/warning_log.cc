#include "cli/warning_log.h"

#include <algorithm>

#include <fmt/format.h>

#include "cli/failure_report.h"

namespace slipway::cli {
namespace {

std::string details_of(const progress::WarningEvent& warning,
                       const std::map<std::string, std::string>& files) {
  std::string text = warning.detail + "\n";
  if (!warning.url.empty()) text += "More info: " + warning.url + "\n";
  for (const SourceSpan& span : warning.spans) {
    const auto file = files.find(span.file);
    if (file != files.end()) text += excerpt(span, file->second);
  }
  return text + "\n";
}

}  // namespace

void WarningLog::handle(const progress::Event& event) {
  const auto* warning = std::get_if<progress::WarningEvent>(&event);
  if (warning == nullptr) return;
  auto warnings = warnings_.lock();
  const bool known = std::ranges::any_of(*warnings, [&](const progress::WarningEvent& earlier) {
    return earlier.message == warning->message && earlier.spans == warning->spans;
  });
  if (!known) warnings->push_back(*warning);
}

std::string WarningLog::text(const std::map<std::string, std::string>& files, Options options) {
  auto warnings = warnings_.lock();
  if (warnings->empty()) return "";
  const std::string head =
      fmt::format("{} warning{} found{}:", warnings->size(), warnings->size() == 1 ? "" : "s",
                  options.details ? "" : " (use --debug to expand)");
  std::string text = "\n " + (options.colors ? "\x1b[33m" + head + "\x1b[0m" : head) + "\n";
  for (const progress::WarningEvent& warning : *warnings) {
    text += " - " + warning.message + "\n";
    if (options.details) text += details_of(warning, files);
  }
  return text;
}

}  // namespace slipway::cli
