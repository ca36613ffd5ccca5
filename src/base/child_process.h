// ChildProcess: a program we started. The only place that forks.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace slipway {

// How a process ended: exactly one of the two is meaningful.
class ExitStatus {
 public:
  static ExitStatus exited(int code) { return ExitStatus(code, 0); }
  static ExitStatus killed(int signal) { return ExitStatus(-1, signal); }

  bool success() const { return signal_ == 0 && code_ == 0; }
  // The exit code, or 128 + signal, as a shell reports it.
  int shell_code() const { return signal_ != 0 ? 128 + signal_ : code_; }
  int signal() const { return signal_; }

 private:
  ExitStatus(int code, int signal) : code_(code), signal_(signal) {}
  int code_;
  int signal_;
};

struct ProcessOptions {
  std::vector<std::string> argv;  // argv[0] is looked up in PATH when it has no slash
  // The file to execute, when it is not argv[0].
  std::string executable;
  // The whole environment; nullopt inherits ours.
  std::optional<std::vector<std::string>> environment;
  std::string working_directory;  // empty: ours
  // Descriptor for 0, 1, 2 of the child; -1 is /dev/null. Not taken over.
  int stdin_fd = -1;
  int stdout_fd = -1;
  int stderr_fd = -1;
  // Further descriptors the child keeps: (ours, its number). The numbers must be above 2.
  std::vector<std::pair<int, int>> keep_fds;
  // The child gets SIGKILL when the thread that started it ends: only for threads that live as
  // long.
  bool die_with_parent = false;
  // The child starts its own process group, so that a Ctrl-C at the terminal does not reach it.
  bool new_process_group = true;
  // Called in the child just before exec, for namespaces and the like; async-signal-safe calls
  // only. Returns false with errno set to give up.
  bool (*before_exec)() = nullptr;
};

class ChildProcess {
 public:
  static Result<ChildProcess> start(const ProcessOptions& options);

  ChildProcess(ChildProcess&&) noexcept = default;
  ChildProcess& operator=(ChildProcess&&) noexcept = default;
  // Kills and reaps a child that nobody waited for.
  ~ChildProcess();

  int pid() const { return pid_; }
  // Readable once the process has ended; -1 after wait().
  int pidfd() const { return pidfd_.get(); }
  // Waits for the end. When `stop` is requested first: sends SIGTERM, then SIGKILL after two
  // seconds, reaps, and returns Cancelled.
  Result<ExitStatus> wait(std::stop_token stop = {});
  Status send_signal(int signal);

 private:
  ChildProcess(int pid, UniqueFd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
  int pid_ = -1;
  UniqueFd pidfd_;  // empty once reaped
};

struct CommandOutput {
  ExitStatus status;
  std::string stdout_text;
  std::string stderr_text;
};

// Runs a program to its end with `input` on its stdin; for short output.
Result<CommandOutput> run_command(ProcessOptions options, std::string_view input = {},
                                  std::stop_token stop = {});

}  // namespace slipway
