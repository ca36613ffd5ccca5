// MultiSink: every event to several sinks, in order.
#pragma once

#include <vector>

#include "progress/sink.h"

namespace slipway::progress {

class MultiSink : public Sink {
 public:
  // The sinks must outlive this one.
  explicit MultiSink(std::vector<Sink*> sinks) : sinks_(std::move(sinks)) {}

  void handle(const Event& event) override {
    for (Sink* sink : sinks_) sink->handle(event);
  }

 private:
  std::vector<Sink*> sinks_;
};

}  // namespace slipway::progress
