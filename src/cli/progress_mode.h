// Which progress the user sees: --progress, BUILDKIT_PROGRESS, or what fits the terminal.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "cli/environment.h"
#include "progress/sink.h"

namespace slipway::cli {

// A sink on stderr, and the way to end it.
struct ShownProgress {
  std::unique_ptr<progress::Sink> sink;
  std::function<void()> finish = [] {};
  bool for_people = true;  // not quiet, and no machine's format
};

// auto, plain, tty, quiet, none or rawjson; "" is what BUILDKIT_PROGRESS says, else auto.
Result<ShownProgress> show_progress(std::string mode, const Environment& environment);

}  // namespace slipway::cli
