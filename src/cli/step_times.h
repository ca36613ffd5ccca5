// StepTimes: how long steps took when they last ran, from the records of earlier builds.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "cli/history.h"
#include "progress/event.h"

namespace slipway::cli {

class StepTimes {
 public:
  struct Time {
    double seconds = 0;
    std::string build;  // its ref
  };

  // Reads the newest records that ended. What cannot be read is left out.
  static StepTimes read(const BuildHistory& history);

  // Events of one build, the newest build first. Steps that were cached or failed do not count.
  void add(const std::string& build, const progress::Event& event);

  // `name`: "[deps 2/3] RUN uv sync"; what is in the brackets does not matter, it differs between
  // targets. nullopt: no record has it.
  std::optional<Time> find(std::string_view name) const;

 private:
  std::map<std::string, Time, std::less<>> by_command_;
};

}  // namespace slipway::cli
