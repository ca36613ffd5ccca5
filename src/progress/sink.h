// Sink: where events go. Everything that shows, records or forwards progress is one.
#pragma once

#include <memory>
#include <string_view>

#include "progress/event.h"

namespace slipway::progress {

class Sink {
 public:
  virtual ~Sink() = default;
  // Called from any thread; must not block on anything slower than memory or the terminal.
  virtual void handle(const Event& event) = 0;
};

// What a running step uses to tell about itself. Thread-safe as its sink is.
class VertexReporter {
 public:
  VertexReporter(Sink& sink, Digest vertex) : sink_(sink), vertex_(std::move(vertex)) {}

  void log(int stream, std::string_view data) {
    sink_.handle(LogEvent{vertex_, stream, std::string(data), std::chrono::system_clock::now()});
  }
  // A part of the step with a size; call again with the same id as it advances.
  void status(std::string id, int64_t current, int64_t total, std::optional<Time> started,
              bool completed) {
    const Time now = std::chrono::system_clock::now();
    sink_.handle(StatusEvent{vertex_, std::move(id), current, total, now, started.value_or(now),
                             completed ? std::optional<Time>(now) : std::nullopt});
  }
  void warn(std::string message) {
    sink_.handle(WarningEvent{vertex_, std::move(message), {}, {}, {}});
  }
  const Digest& vertex() const { return vertex_; }

 private:
  Sink& sink_;
  Digest vertex_;
};

}  // namespace slipway::progress
