#include "progress/tty.h"

#include <fmt/format.h>

namespace slipway::progress {
namespace {

using namespace std::chrono_literals;

constexpr auto kRedrawInterval = 100ms;

}  // namespace

TtySink::TtySink(ScreenOptions options, std::function<void(std::string_view)> write)
    : write_(std::move(write)),
      state_(State{Screen(options, std::chrono::system_clock::now())}),
      redrawer_([this](std::stop_token stop) { redraw_until(stop); }) {}

TtySink::~TtySink() {
  finish();
}

void TtySink::handle(const Event& event) {
  auto state = state_.lock();
  state->screen.handle(event);
  state->changed = true;
}

void TtySink::redraw_until(std::stop_token stop) {
  while (!stop.stop_requested()) {
    auto state = state_.lock();
    if (state->finished) return;
    draw(*state);
    // Sleeps without the lock; wakes early when the sink is finished.
    (void)state.wait_for(stop, kRedrawInterval, [](const State& s) { return s.finished; });
  }
}

void TtySink::draw(State& state) {
  const auto lines = state.screen.lines(std::chrono::system_clock::now(), state.finished);
  // The cursor stays hidden while the lines are rewritten, each cleared to its end, the rest below.
  std::string text = "\x1b[?25l";
  if (state.drawn_lines > 0) text += fmt::format("\x1b[{}A\r", state.drawn_lines);
  for (const std::string& line : lines) text += line + "\x1b[K\n";
  text += "\x1b[J\x1b[?25h";
  state.drawn_lines = lines.size();
  write_(text);
}

void TtySink::finish() {
  {
    auto state = state_.lock();
    if (state->finished) return;
    state->finished = true;
    draw(*state);
  }
  state_.notify_all();
}

}  // namespace slipway::progress
