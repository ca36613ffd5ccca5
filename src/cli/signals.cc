#include "cli/signals.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

namespace slipway::cli {
namespace {

constexpr int kImpatient = 3;

sigset_t watched_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) ::sigaddset(&set, signal);
  return set;
}

}  // namespace

SignalWatch::SignalWatch() {
  ::signal(SIGPIPE, SIG_IGN);
  const sigset_t set = watched_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  watcher_ = std::jthread([this, set](std::stop_token done) {
    for (int count = 1;; ++count) {
      int signal = 0;
      ::sigwait(&set, &signal);
      if (done.stop_requested()) return;
      if (count >= kImpatient) ::_exit(130);
      stop_.request_stop();
    }
  });
}

SignalWatch::~SignalWatch() {
  watcher_.request_stop();
  ::pthread_kill(watcher_.native_handle(), SIGUSR1);
}

}  // namespace slipway::cli
