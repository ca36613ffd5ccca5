// Recorder: writes every event to a file, one JSON object a line, so that a build can be looked at
// later. Logs are whole, never clipped. The lines are those of the rawjson mode.
#pragma once

#include <memory>
#include <string>

#include "base/guarded.h"
#include "base/unique_fd.h"
#include "progress/sink.h"

namespace slipway::progress {

// One event as a line of BuildKit's SolveStatus JSON, with its line end.
std::string to_json_line(const Event& event);

// Reads such a line back. InvalidInput when it is none.
Result<Event> parse_json_line(std::string_view line);

class Recorder : public Sink {
 public:
  // Creates `path`.
  static Result<std::unique_ptr<Recorder>> create(const std::string& path);
  explicit Recorder(UniqueFd fd) : file_(std::move(fd)) {}

  void handle(const Event& event) override;

 private:
  Guarded<UniqueFd> file_;
};

}  // namespace slipway::progress
