// PlainSink: progress as lines of text, in the grammar that BuildKit's plain mode has and CI tools
// read:
//
//   #4 [2/3] RUN make            a block begins, or goes on after others
//   #4 0.345 output              seconds since the step began
//   #4 sha256:1f… 1.05MB / 3.62MB 0.2s done
//   #4 DONE 1.2s                 or CACHED, CANCELED, ERROR: …
//   #4 ...                       others come first
//
// Blocks of steps that run at the same time are not mixed line by line: the current one is kept
// until it ends or is silent for a while, the others wait (bounded by what they write).
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "progress/sink.h"

namespace slipway::progress {

class PlainSink : public Sink {
 public:
  // `write` gets whole lines; called under this sink's lock.
  explicit PlainSink(std::function<void(std::string_view)> write) : state_(std::move(write)) {}

  void handle(const Event& event) override;
  // Writes what still waits. Call once, after the last event.
  void finish();

 private:
  struct Vertex {
    Digest digest;
    std::string name;
    int number = 0;  // given when first shown
    std::optional<Time> started;
    std::optional<Time> completed;
    bool cached = false;
    bool ended = false;  // its last line was written
    std::string error;
    std::string waiting;  // lines that could not be written yet
    std::string partial;  // output after the last line end
    std::map<std::string, Time> status_shown;
  };
  struct State {
    explicit State(std::function<void(std::string_view)> writer) : write(std::move(writer)) {}

    void on(const VertexEvent& event);
    void on(const StatusEvent& event);
    void on(const LogEvent& event);
    void on(const WarningEvent& event);
    void flush(Time now, bool everything);

    Vertex& vertex(const Digest& digest);
    void show(Vertex& vertex);
    void end(Vertex& vertex);
    void add_line(Vertex& vertex, std::string_view line);

    std::function<void(std::string_view)> write;
    std::vector<Vertex> vertices;  // in order of announcement
    std::map<Digest, size_t> by_digest;
    int shown = 0;
    Digest current;  // whose block is open; empty: none
    Time current_wrote;
  };
  Guarded<State> state_;
};

// "1.05MB": two decimals, decimal units, as BuildKit prints byte counts.
std::string plain_bytes(int64_t bytes);

}  // namespace slipway::progress
