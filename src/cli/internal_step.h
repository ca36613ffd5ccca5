// InternalStep: work of our own that progress shows as a step ("[internal] load metadata for ...").
#pragma once

#include <mutex>
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

// Goes on with a step that has ended: its later work may have nothing to tell, so the step is shown
// again only when something is reported or fails.
class ResumedStep : public progress::Sink {
 public:
  // `sink` must outlive the step.
  ResumedStep(progress::Sink& sink, std::string name, Digest step)
      : sink_(sink), event_{.digest = std::move(step), .name = std::move(name)} {}

  void handle(const progress::Event& event) override;
  // Once, after the last event.
  void end(const Status& outcome);

 private:
  void start();

  progress::Sink& sink_;
  progress::VertexEvent event_;
  std::once_flag started_;
};

}  // namespace slipway::cli
