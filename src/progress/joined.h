// JoinedSink: several targets built at once, shown as one build. A step that two targets share is
// reported by both; it is shown once, under the name of the first, with its output once.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/guarded.h"
#include "progress/sink.h"

namespace slipway::progress {

class JoinedSink {
 public:
  // `out` must outlive this one.
  explicit JoinedSink(Sink& out) : out_(out) {}

  // Where target `name` reports to; its steps are called "[name ...]". When it is destroyed, steps
  // that were shown for it go on being shown for the others that report them. Must not outlive
  // this.
  std::unique_ptr<Sink> target(std::string name);

 private:
  class Target;
  // Whether `target` is the one that `vertex` is shown for; it is when nobody else was before.
  bool shows(const Target* target, const Digest& vertex);
  void release(const Target* target);

  Sink& out_;
  Guarded<std::map<Digest, const Target*>> shown_for_;  // nullptr: of a target that has ended
};

// "[deps 2/3] RUN x" of target core is "[core deps 2/3] RUN x".
std::string prefixed_name(const std::string& target, const std::string& name);

}  // namespace slipway::progress
