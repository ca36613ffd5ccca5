#include "cli/internal_step.h"

#include <fmt/format.h>

namespace slipway::cli {
namespace {

// Targets that are built at the same time have steps of one name, but each its own sink.
Digest step_digest(const std::string& name, progress::Time started, const progress::Sink& sink) {
  return Digest::sha256_of(fmt::format("{} {} {}", name, started.time_since_epoch().count(),
                                       static_cast<const void*>(&sink)));
}

std::string error_of(const Status& outcome) {
  if (outcome) return {};
  return outcome.error().code() == ErrorCode::Cancelled ? "context canceled"
                                                        : outcome.error().message();
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
  tell(std::chrono::system_clock::now(), error_of(outcome));
}

void InternalStep::tell(std::optional<progress::Time> completed, std::string error) {
  sink_.handle(progress::VertexEvent{.digest = reporter_.vertex(),
                                     .name = name_,
                                     .started = started_,
                                     .completed = completed,
                                     .error = std::move(error)});
}

void ResumedStep::start() {
  std::call_once(started_, [this] {
    event_.started = std::chrono::system_clock::now();
    sink_.handle(event_);
  });
}

void ResumedStep::handle(const progress::Event& event) {
  start();
  sink_.handle(event);
}

void ResumedStep::end(const Status& outcome) {
  if (!outcome) start();
  if (!event_.started) return;
  event_.completed = std::chrono::system_clock::now();
  event_.error = error_of(outcome);
  sink_.handle(event_);
}

}  // namespace slipway::cli
