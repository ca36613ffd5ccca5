#include "cli/internal_step.h"

#include <fmt/format.h>

namespace slipway::cli {
namespace {

// Targets that are built at the same time have steps of one name, but each its own sink.
Digest step_digest(const std::string& name, progress::Time started, const progress::Sink& sink) {
  return Digest::sha256_of(fmt::format("{} {} {}", name, started.time_since_epoch().count(),
                                       static_cast<const void*>(&sink)));
}

}  // namespace

InternalStep::InternalStep(progress::Sink& sink, std::string name)
    : sink_(sink),
      name_(std::move(name)),
      started_(std::chrono::system_clock::now()),
      reporter_(sink, step_digest(name_, started_, sink)) {
  tell(std::nullopt, {});
}

InternalStep::~InternalStep() {
  if (!ended_) tell(std::chrono::system_clock::now(), "context canceled");
}

void InternalStep::end(const Status& outcome) {
  ended_ = true;
  std::string error;
  if (!outcome) {
    error = outcome.error().code() == ErrorCode::Cancelled ? "context canceled"
                                                           : outcome.error().message();
  }
  tell(std::chrono::system_clock::now(), std::move(error));
}

void InternalStep::tell(std::optional<progress::Time> completed, std::string error) {
  sink_.handle(progress::VertexEvent{.digest = reporter_.vertex(),
                                     .name = name_,
                                     .started = started_,
                                     .completed = completed,
                                     .error = std::move(error)});
}

}  // namespace slipway::cli
