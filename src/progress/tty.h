// TtySink: redraws the state of the build in place on a terminal.
#pragma once

#include <functional>
#include <thread>

#include "base/guarded.h"
#include "progress/screen.h"
#include "progress/sink.h"

namespace slipway::progress {

class TtySink : public Sink {
 public:
  // `write` gets text with ANSI control sequences, from one thread at a time.
  TtySink(ScreenOptions options, std::function<void(std::string_view)> write);
  // As finish().
  ~TtySink() override;

  void handle(const Event& event) override;
  // After the terminal's size has changed.
  void resize(int columns, int rows) { state_.lock()->screen.resize(columns, rows); }
  // Draws the last state, all steps in it, and leaves the cursor below.
  void finish();

 private:
  struct State {
    Screen screen;
    size_t drawn_lines = 0;
    bool changed = true;
    bool finished = false;
  };
  void draw(State& state);
  void redraw_until(std::stop_token stop);

  std::function<void(std::string_view)> write_;
  Guarded<State> state_;
  std::jthread redrawer_;  // last: ends before what it draws
};

}  // namespace slipway::progress
