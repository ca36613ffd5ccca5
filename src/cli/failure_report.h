// What is said when a build fails: the failed step's last lines, the Dockerfile around it, the
// error.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/guarded.h"
#include "progress/sink.h"

namespace slipway::cli {

// Remembers the last lines of each step, and which step failed.
class FailureLog : public progress::Sink {
 public:
  void handle(const progress::Event& event) override;

  struct Failure {
    Digest vertex;
    std::string name;
    std::vector<std::string> last_lines;
  };
  // The steps that failed by themselves, in order.
  std::vector<Failure> failures();

 private:
  struct Log {
    std::deque<std::string> lines;
    std::string partial;
  };
  struct State {
    std::map<Digest, Log> logs;
    std::vector<Failure> failures;
  };
  Guarded<State> state_;
};

// The lines around `span` with ">>>" before those it names, byte for byte as BuildKit prints them;
// nothing where the file has no such line.
std::string excerpt(const SourceSpan& span, std::string_view file_text);

// "ERROR: ...", the excerpts (files by SourceSpan::file) and the hint.
std::string describe(const Error& error, const std::map<std::string, std::string>& files);

// 0 for no error; 130 cancelled, 102 out of disk or memory, 100 our own fault, else 1
// (those of buildx).
int exit_code(const Error& error);

}  // namespace slipway::cli
