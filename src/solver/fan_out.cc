#include "solver/fan_out.h"

namespace slipway::solver {

progress::VertexEvent event_of(const graph::Vertex& vertex) {
  progress::VertexEvent event{.digest = vertex.digest, .name = vertex.name()};
  if (const auto& group = vertex.metadata.progress_group) {
    event.group = progress::ProgressGroup{group->id, group->name, group->weak};
  }
  return event;
}

void FanOut::handle(const progress::Event& event) {
  auto listeners = listeners_.lock();
  if (const auto* vertex = std::get_if<progress::VertexEvent>(&event)) listeners->last = *vertex;
  for (const auto& [job, sink] : listeners->sinks) sink->handle(event);
}

void FanOut::attach(uint64_t job, progress::Sink& sink) {
  auto listeners = listeners_.lock();
  if (!listeners->sinks.emplace(job, &sink).second) return;
  if (listeners->last) sink.handle(*listeners->last);
}

void FanOut::detach(uint64_t job) {
  listeners_.lock()->sinks.erase(job);
}

}  // namespace slipway::solver
