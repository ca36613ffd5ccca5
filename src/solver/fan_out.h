// FanOut: one step's events to every job that wants the step. A job that comes late is told what it
// missed.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "base/guarded.h"
#include "graph/definition.h"
#include "progress/sink.h"

namespace slipway::solver {

// What every event of a vertex says: its digest, name and group.
progress::VertexEvent event_of(const graph::Vertex& vertex);

class FanOut : public progress::Sink {
 public:
  void handle(const progress::Event& event) override;

  // After this the job's sink gets every event; at once, the last thing known of the vertex.
  void attach(uint64_t job, progress::Sink& sink);
  // After this returns the job's sink is not touched any more.
  void detach(uint64_t job);

 private:
  struct Listeners {
    std::map<uint64_t, progress::Sink*> sinks;  // not owned; detach() ends their use
    std::optional<progress::VertexEvent> last;
  };
  Guarded<Listeners> listeners_;
};

}  // namespace slipway::solver
