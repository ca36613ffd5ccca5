#include "cli/step_times.h"

#include "cli/history_log.h"

namespace slipway::cli {
namespace {

constexpr size_t kBuildsRead = 20;
constexpr uintmax_t kBytesRead = 64 << 20;

// "RUN uv sync" of "[deps 2/3] RUN uv sync".
std::string_view command_of(std::string_view name) {
  const size_t end = name.find("] ");
  return end == std::string_view::npos ? name : name.substr(end + 2);
}

}  // namespace

StepTimes StepTimes::read(const BuildHistory& history) {
  StepTimes times;
  const auto builds = history.list();
  if (!builds) return times;
  size_t count = 0;
  uintmax_t bytes = 0;
  for (const BuildInfo& build : *builds) {
    if (build.status == BuildStatus::Running) continue;
    const std::filesystem::path events = history.events_file(build.ref);
    std::error_code missing;
    const uintmax_t size = std::filesystem::file_size(events, missing);
    if (missing) continue;
    bytes += size;
    if (++count > kBuildsRead || bytes > kBytesRead) break;
    (void)replay_events(events, [&](const progress::Event& event) -> Status {
      times.add(build.ref, event);
      return {};
    }).has_value();
  }
  return times;
}

void StepTimes::add(const std::string& build, const progress::Event& event) {
  const auto* vertex = std::get_if<progress::VertexEvent>(&event);
  if (vertex == nullptr || vertex->cached || !vertex->error.empty()) return;
  if (!vertex->started || !vertex->completed) return;
  const double seconds =
      std::chrono::duration<double>(*vertex->completed - *vertex->started).count();
  Time& known =
      by_command_.try_emplace(std::string(command_of(vertex->name)), Time{}).first->second;
  // A newer build's counts; within one, a step that is looked up first tells twice.
  if (!known.build.empty() && known.build != build) return;
  known = {std::max(known.seconds, seconds), build};
}

std::optional<StepTimes::Time> StepTimes::find(std::string_view name) const {
  const auto found = by_command_.find(command_of(name));
  return found == by_command_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace slipway::cli
