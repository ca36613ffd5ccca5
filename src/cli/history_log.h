// Showing the recorded events of a build again.
#pragma once

#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"
#include "progress/event.h"

namespace slipway::cli {

// Calls `handle` with every event of an events.jsonl, in order. A line that is cut off (the build
// was killed while it wrote) or damaged is skipped.
Status replay_events(const std::filesystem::path& file,
                     const std::function<Status(const progress::Event&)>& handle);

// Plain progress of a recorded build, as it was shown when it ran; logs are whole. `write` gets
// pieces of text.
Status replay_plain(const std::filesystem::path& file,
                    const std::function<Status(std::string_view)>& write);

// Lets only the lines of some steps of plain progress through.
class StepFilter {
 public:
  // `wanted`: the number of a step ("7", "#7") or a part of its name, upper or lower case.
  explicit StepFilter(std::string_view wanted);

  // Lines in the order in which PlainSink writes them, "#7 ..." each.
  bool passes(std::string_view line);
  // Whether any line passed so far.
  bool found() const { return found_; }

 private:
  std::string wanted_;  // in lower case
  bool by_number_ = false;
  std::set<std::string, std::less<>> seen_;     // numbers
  std::set<std::string, std::less<>> matched_;  // numbers
  bool found_ = false;
};

}  // namespace slipway::cli
