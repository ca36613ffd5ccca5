#include "cli/progress_mode.h"

#include <unistd.h>

#include <charconv>

#include "base/file_io.h"
#include "base/unique_fd.h"
#include "base/values.h"
#include "progress/plain.h"
#include "progress/recorder.h"
#include "progress/tty.h"

namespace slipway::cli {
namespace {

class NoSink : public progress::Sink {
 public:
  void handle(const progress::Event&) override {}
};

// A closed stderr must not end the build.
void write_stderr(std::string_view text) {
  (void)write_all(STDERR_FILENO, text).has_value();
}

progress::ScreenOptions screen_options(const Environment& environment) {
  progress::ScreenOptions options{.columns = environment.terminal_columns,
                                  .rows = environment.terminal_rows,
                                  .colors = environment.get("NO_COLOR").empty()};
  const std::string lines = environment.get("BUILDKIT_TTY_LOG_LINES");
  std::from_chars(lines.data(), lines.data() + lines.size(), options.log_lines);
  return options;
}

}  // namespace

Result<ShownProgress> show_progress(std::string mode, const Environment& environment) {
  if (mode.empty()) mode = environment.get("BUILDKIT_PROGRESS", "auto");
  if (mode == "auto") mode = environment.stderr_is_terminal ? "tty" : "plain";
  if (mode == "quiet" || mode == "none") return ShownProgress{std::make_unique<NoSink>(), [] {}, false};
  if (mode == "plain") {
    auto plain = std::make_unique<progress::PlainSink>(write_stderr);
    progress::PlainSink* sink = plain.get();
    return ShownProgress{std::move(plain), [sink] { sink->finish(); }};
  }
  if (mode == "tty") {
    auto tty = std::make_unique<progress::TtySink>(screen_options(environment), write_stderr);
    progress::TtySink* sink = tty.get();
    return ShownProgress{std::move(tty), [sink] { sink->finish(); }};
  }
  if (mode == "rawjson") {
    const UniqueFd standard_error(::dup(STDERR_FILENO));
    auto recorder = std::make_unique<progress::Recorder>(TRY(standard_error.duplicate()));
    return ShownProgress{std::move(recorder), [] {}, false};
  }
  const std::vector<std::string> modes = {"auto", "plain", "tty", "quiet", "none", "rawjson"};
  return make_error(ErrorCode::InvalidInput, "progress mode \"{}\" is not known{}", mode,
                    did_you_mean(mode, modes));
}

}  // namespace slipway::cli
