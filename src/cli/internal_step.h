// InternalStep: work of our own that progress shows as a step ("[internal] load metadata for ...").
#pragma once

#include <string>

#include "base/result.h"
#include "progress/sink.h"

namespace slipway::cli {

class InternalStep {
 public:
  // Begins now. `sink` must outlive the step.
  InternalStep(progress::Sink& sink, std::string name);
  // Ends it, as cancelled when end() was not called.
  ~InternalStep();
  InternalStep(const InternalStep&) = delete;
  InternalStep& operator=(const InternalStep&) = delete;

  void end(const Status& outcome);
  progress::VertexReporter& reporter() { return reporter_; }

 private:
  void tell(std::optional<progress::Time> completed, std::string error);

  progress::Sink& sink_;
  const std::string name_;
  const progress::Time started_;
  progress::VertexReporter reporter_;
  bool ended_ = false;
};

// Runs `work` (which returns a Result) as a step.
template <typename Work>
auto as_step(progress::Sink& sink, std::string name, Work work) {
  InternalStep step(sink, std::move(name));
  auto result = work(step.reporter());
  step.end(result ? Status() : Status(result.error()));
  return result;
}

}  // namespace slipway::cli
