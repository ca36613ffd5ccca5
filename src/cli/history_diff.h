// `slipway history diff A B`: what differs between the results of two builds, or between any two
// images.
#pragma once

#include <string>

#include "cli/command.h"
#include "store/store.h"

namespace slipway::cli {

struct HistoryDiffFlags {
  std::string a, b;
  std::string target;    // of builds that made several images
  std::string platform;  // of multi-platform images; empty: this machine's
  std::string format = "text";
  bool exit_code = false;  // 1 where they differ
};

// Prints to stdout; returns the exit code.
Result<int> run_history_diff(const HistoryDiffFlags& flags, store::Store& store,
                             const Invocation& invocation);

}  // namespace slipway::cli
