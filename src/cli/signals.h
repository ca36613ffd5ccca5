// SignalWatch: turns SIGINT, SIGTERM and SIGHUP into a stop request. As buildx: the first asks the
// build to stop, the third ends the process at once (its namespaces take everything inside with
// them).
#pragma once

#include <stop_token>
#include <thread>

namespace slipway::cli {

class SignalWatch {
 public:
  // Make it before any other thread: they inherit the blocked signals.
  SignalWatch();
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  std::stop_token token() const { return stop_.get_token(); }

 private:
  std::stop_source stop_;
  std::jthread watcher_;
};

}  // namespace slipway::cli
