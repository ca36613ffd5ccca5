#include "base/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

#include "base/check.h"
#include "base/file_io.h"

namespace slipway {
namespace {

std::vector<char*> c_array(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const std::string& s : strings) pointers.push_back(const_cast<char*>(s.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// What the child does between clone and exec. It shares our memory until then, so: only
// async-signal-safe calls, and nothing is written but its own stack. Everything that allocates was
// made before.
struct ChildPlan {
  const ProcessOptions& options;
  std::vector<char*> argv;
  std::vector<char*> environment;
  int error_pipe;
  int parent_pid;

  [[noreturn]] void fail(int stage) const {
    const int report[2] = {stage, errno};
    (void)!::write(error_pipe, report, sizeof report);
    ::_exit(127);
  }

  void place(int from, int to, int stage) const {
    int source = from;
    if (source < 0) source = ::open("/dev/null", to == 0 ? O_RDONLY : O_WRONLY);
    if (source < 0) fail(stage);
    if (source == to) {
      if (::fcntl(to, F_SETFD, 0) != 0) fail(stage);
    } else if (::dup2(source, to) < 0) {
      fail(stage);
    }
  }

  // A handler of ours must not run in the child, on our memory: defaults first, then unblock.
  static void reset_signals() {
    for (int number = 1; number < NSIG; ++number) {
      struct sigaction current;
      if (::sigaction(number, nullptr, &current) != 0) continue;
      const bool ignored = current.sa_handler == SIG_IGN && number != SIGPIPE;
      if (current.sa_handler == SIG_DFL || ignored) continue;
      ::signal(number, SIG_DFL);
    }
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
  }

  [[noreturn]] void run() const {
    if (options.new_process_group) ::setpgid(0, 0);
    if (options.die_with_parent) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != parent_pid) ::_exit(127);
    }
    reset_signals();
    if (!options.working_directory.empty() && ::chdir(options.working_directory.c_str()) != 0) {
      fail(1);
    }
    place(options.stdin_fd, 0, 2);
    place(options.stdout_fd, 1, 2);
    place(options.stderr_fd, 2, 2);
    for (const auto& [from, to] : options.keep_fds) place(from, to, 2);
    if (options.before_exec != nullptr && !options.before_exec()) fail(4);
    const char* program = options.executable.empty() ? argv[0] : options.executable.c_str();
    if (options.environment) {
      ::execvpe(program, argv.data(), environment.data());
    } else {
      ::execvp(program, argv.data());
    }
    fail(3);
  }
};

// The sanitizers keep books about stacks and locks that a child on our memory would spoil.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kShareMemory = false;
#else
constexpr bool kShareMemory = true;
#endif

// Starts the child. fork() copies the page tables, milliseconds for a program with some hundred
// megabytes; this child borrows our memory instead and we sleep until it has called exec, as with
// vfork() but on a stack of its own.
int clone_child(const ChildPlan& plan) {
  constexpr size_t kStackBytes = 256 << 10;
  if (!kShareMemory) {
    const int pid = ::fork();
    if (pid == 0) plan.run();
    return pid;
  }
  void* stack = ::mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
  if (stack == MAP_FAILED) return -1;
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const int pid =
      ::clone([](void* argument) -> int { static_cast<const ChildPlan*>(argument)->run(); },
              static_cast<char*>(stack) + kStackBytes, CLONE_VM | CLONE_VFORK | SIGCHLD,
              const_cast<ChildPlan*>(&plan));
  const int saved = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::munmap(stack, kStackBytes);
  errno = saved;
  return pid;
}

Error start_error(const ProcessOptions& options, int stage, int errno_value) {
  const char* what = stage == 1   ? "change to the working directory of"
                     : stage == 2 ? "pass descriptors to"
                     : stage == 4 ? "prepare the environment of"
                                  : "start";
  return Error::from_errno(errno_value, fmt::format("{} {}", what, options.argv[0]));
}

}  // namespace

Result<ChildProcess> ChildProcess::start(const ProcessOptions& options) {
  CHECK(!options.argv.empty());
  Pipe report = TRY(make_pipe());
  // The report pipe must not sit on a number that the child will use for something else.
  UniqueFd high(::fcntl(report.write_end.get(), F_DUPFD_CLOEXEC, 200));
  if (!high) return errno_error("duplicate file descriptor");
  report.write_end = std::move(high);

  const ChildPlan plan{options, c_array(options.argv),
                       options.environment ? c_array(*options.environment) : std::vector<char*>(),
                       report.write_end.get(), ::getpid()};
  const int pid = clone_child(plan);
  if (pid < 0) return errno_error("start a process");

  report.write_end.reset();
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  int failure[2];
  ssize_t got;
  do {
    got = ::read(report.read_end.get(), failure, sizeof failure);
  } while (got < 0 && errno == EINTR);
  if (got == sizeof failure) {
    ::waitpid(pid, nullptr, 0);
    return start_error(options, failure[0], failure[1]);
  }
  if (!pidfd) {
    const Error error = errno_error("open pidfd");
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return error;
  }
  return ChildProcess(pid, std::move(pidfd));
}

ChildProcess::~ChildProcess() {
  if (!pidfd_) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

Status ChildProcess::send_signal(int signal) {
  CHECK(pidfd_);
  if (::syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, 0) != 0) {
    return errno_error("signal process {}", pid_);
  }
  return {};
}

Result<ExitStatus> ChildProcess::wait(std::stop_token stop) {
  CHECK(pidfd_);
  Pipe wake;
  std::optional<std::stop_callback<std::function<void()>>> on_stop;
  if (stop.stop_possible()) {
    wake = TRY(make_pipe());
    on_stop.emplace(stop, [fd = wake.write_end.get()] { (void)!::write(fd, "x", 1); });
  }
  bool asked_to_stop = false;
  for (;;) {
    pollfd fds[2] = {{pidfd_.get(), POLLIN, 0},
                     {asked_to_stop ? -1 : wake.read_end.get(), POLLIN, 0}};
    const int ready = ::poll(fds, 2, asked_to_stop ? 2000 : -1);
    if (ready < 0 && errno == EINTR) continue;
    if (fds[0].revents != 0) break;
    if (!asked_to_stop) {
      asked_to_stop = true;
      (void)send_signal(SIGTERM).has_value();
    } else {
      (void)send_signal(SIGKILL).has_value();
    }
  }
  int raw = 0;
  while (::waitpid(pid_, &raw, 0) < 0 && errno == EINTR) {
  }
  pidfd_.reset();
  if (asked_to_stop) return make_error(ErrorCode::Cancelled, "cancelled");
  return WIFSIGNALED(raw) ? ExitStatus::killed(WTERMSIG(raw))
                          : ExitStatus::exited(WEXITSTATUS(raw));
}

Result<CommandOutput> run_command(ProcessOptions options, std::string_view input,
                                  std::stop_token stop) {
  Pipe in = TRY(make_pipe());
  Pipe out = TRY(make_pipe());
  Pipe err = TRY(make_pipe());
  options.stdin_fd = in.read_end.get();
  options.stdout_fd = out.write_end.get();
  options.stderr_fd = err.write_end.get();
  ChildProcess child = TRY(ChildProcess::start(options));
  in.read_end.reset();
  out.write_end.reset();
  err.write_end.reset();

  // A child may write before it has read all of its input: serve all three ends at once.
  CommandOutput output{ExitStatus::exited(0), {}, {}};
  if (input.empty()) in.write_end.reset();
  if (in.write_end) ::fcntl(in.write_end.get(), F_SETFL, O_NONBLOCK);
  while (out.read_end || err.read_end || in.write_end) {
    if (stop.stop_requested()) break;
    pollfd fds[3] = {{out.read_end.get(), POLLIN, 0},
                     {err.read_end.get(), POLLIN, 0},
                     {in.write_end.get(), POLLOUT, 0}};
    if (::poll(fds, 3, 100) < 0 && errno != EINTR) return errno_error("poll");
    const auto drain = [](pollfd& ready, UniqueFd& fd, std::string& text) {
      if (!fd || ready.revents == 0) return;
      char buffer[65536];
      const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
      if (got > 0) text.append(buffer, static_cast<size_t>(got));
      if (got == 0 || (got < 0 && errno != EINTR)) fd.reset();
    };
    drain(fds[0], out.read_end, output.stdout_text);
    drain(fds[1], err.read_end, output.stderr_text);
    if (in.write_end && fds[2].revents != 0) {
      const ssize_t wrote = ::write(in.write_end.get(), input.data(), input.size());
      if (wrote > 0) input.remove_prefix(static_cast<size_t>(wrote));
      if (input.empty() || (wrote < 0 && errno != EAGAIN && errno != EINTR)) in.write_end.reset();
    }
  }
  output.status = TRY(child.wait(stop));
  return output;
}

}  // namespace slipway
