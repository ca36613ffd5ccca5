// Three processes:
//
//   parent   the one the user started: passes signals on, waits, exits with the same code
//     init   process 1 of the new pid namespace: reaps what is orphaned, passes signals on
//       program   returns from enter_build_namespaces() and goes on
//
// Why an init of its own: signals that have no handler do nothing to process 1, and nobody would
// reap orphans. kill -9 of the parent kills init (parent-death signal), of the program makes init
// exit; with init the kernel ends every process of the namespace, and with the last process its
// mounts and network namespaces go.
#include "cli/sandbox.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/unique_fd.h"
#include "cli/subordinate_ids.h"

namespace slipway::cli {
namespace {

constexpr std::array kForwarded = {SIGINT,   SIGTERM, SIGHUP,  SIGQUIT,
                                   SIGWINCH, SIGUSR1, SIGUSR2, SIGTSTP};

constexpr int kFirstSignalCode = 128;

sigset_t handled_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : kForwarded) ::sigaddset(&set, number);
  ::sigaddset(&set, SIGCHLD);
  return set;
}

int exit_code(int wait_status) {
  return WIFSIGNALED(wait_status) ? kFirstSignalCode + WTERMSIG(wait_status)
                                  : WEXITSTATUS(wait_status);
}

// Reaps until `child` has ended; returns its wait status, or nothing when others (or none) ended.
bool reap(pid_t child, int& wait_status) {
  bool ended = false;
  int raw = 0;
  for (pid_t pid; (pid = ::waitpid(-1, &raw, WNOHANG)) > 0;) {
    if (pid != child) continue;
    wait_status = raw;
    ended = true;
  }
  return ended;
}

// Waits for `child`, passing signals on; exits as it did. Runs in parent and init, signals blocked.
[[noreturn]] void stand_by(pid_t child, bool is_parent, const std::function<void()>& after) {
  const sigset_t set = handled_signals();
  for (;;) {
    siginfo_t info{};
    const int number = ::sigwaitinfo(&set, &info);
    int wait_status = 0;
    if (number == SIGCHLD && reap(child, wait_status)) {
      const int code = exit_code(wait_status);
      if (after && code < kFirstSignalCode) after();
      ::_exit(code);
    }
    // What the terminal sends (Ctrl-C, a new size) goes to the whole process group: the program has
    // it already, and a second Ctrl-C would mean more than the first.
    const bool from_terminal = info.si_code == SI_KERNEL;
    if (number == SIGTSTP && from_terminal && is_parent) ::raise(SIGSTOP);
    for (const int forwarded : kForwarded) {
      if (number == forwarded && !from_terminal) ::kill(child, number);
    }
  }
}

// Whoever started init holds the other end of `alive`: when that is gone already, the parent-death
// signal came too late to be sent.
bool die_with_parent(int alive) {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return false;
  pollfd gone{alive, POLLIN, 0};
  return ::poll(&gone, 1, 0) == 0;
}

// crun refuses a cgroup2 hierarchy beside the old ones; a build uses no cgroups, so it sees none.
Status hide_hybrid_cgroups() {
  constexpr long kTmpfsMagic = 0x01021994;
  struct statfs info;
  if (::statfs("/sys/fs/cgroup", &info) != 0 || info.f_type != kTmpfsMagic) return {};
  if (::access("/sys/fs/cgroup/unified/cgroup.controllers", F_OK) != 0) return {};
  if (::mount("none", "/sys/fs/cgroup", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY,
              nullptr) != 0) {
    return errno_error("hide /sys/fs/cgroup");
  }
  return {};
}

Status set_up_mounts() {
  // Slave: what the host unmounts goes here too, nothing of ours goes there.
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) {
    return errno_error("make mounts private");
  }
  if (::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
    return Status(errno_error("mount /proc for the build"))
        .context("set up the namespaces of the build");
  }
  return hide_hybrid_cgroups();
}

// Root of the user namespace, once its maps are written.
Status become_root_inside() {
  if (::setresgid(0, 0, 0) != 0 || ::setresuid(0, 0, 0) != 0 || ::setgroups(0, nullptr) != 0) {
    return errno_error("become root of the user namespace");
  }
  return {};
}

Error namespace_error(bool rootless) {
  Error error = errno_error("create the namespaces of the build");
  if (error.errno_value() != EPERM && error.errno_value() != ENOSPC) return error;
  return std::move(error).with_hint(
      rootless ? "this machine does not let ordinary users create user namespaces: see sysctl "
                 "kernel.unprivileged_userns_clone, user.max_user_namespaces and "
                 "kernel.apparmor_restrict_unprivileged_userns"
               : "the container we run in lacks CAP_SYS_ADMIN: run it with --privileged");
}

// The user namespace of `init` gets its maps; then it may go on.
[[noreturn]] void run_parent(pid_t init, UniqueFd go_ahead, bool rootless,
                             const std::function<void()>& after) {
  Status mapped;
  if (rootless) mapped = map_subordinate_ids(init);
  if (!mapped) {
    // Init reports: it is the one that returns to main().
    const std::string text = mapped.error().message() + '\n' + mapped.error().hint();
    (void)!::write(go_ahead.get(), text.data(), text.size());
  } else {
    (void)!::write(go_ahead.get(), "\0", 1);
  }
  // Kept open on purpose: init watches it to learn that we are gone.
  (void)go_ahead.release();
  stand_by(init, true, after);
}

// What the parent has to say: a zero byte, or an error and a hint.
Status wait_for_go_ahead(int fd) {
  std::string text(4096, '\0');
  const ssize_t got = ::read(fd, text.data(), text.size());
  if (got <= 0) return make_error(ErrorCode::Cancelled, "the parent process ended");
  if (text[0] == '\0') return {};
  text.resize(static_cast<size_t>(got));
  const size_t line = text.find('\n');
  return Error(ErrorCode::InvalidInput, text.substr(0, line)).with_hint(text.substr(line + 1));
}

// In init. On success returns in the program, a child of it.
Status run_init(const UniqueFd& alive, bool rootless) {
  TRY(wait_for_go_ahead(alive.get()));
  if (rootless) TRY(become_root_inside());
  // After the change of user: that would have cleared it.
  if (!die_with_parent(alive.get())) {
    return make_error(ErrorCode::Cancelled, "the parent process ended");
  }
  TRY(set_up_mounts());
  const pid_t program = ::fork();
  if (program < 0) return errno_error("start the build process");
  if (program > 0) stand_by(program, false, {});
  return {};
}

}  // namespace

Result<BuildNamespaces> enter_build_namespaces(const std::function<void()>& after) {
  const bool rootless = ::geteuid() != 0;
  const BuildNamespaces result{rootless, ::getuid()};
  Pipe alive = TRY(make_pipe());
  sigset_t before;
  const sigset_t handled = handled_signals();
  ::sigprocmask(SIG_BLOCK, &handled, &before);

  // The raw call, because the C library's fork() has no flags. Init, which it makes, only makes
  // system calls and then forks properly.
  const unsigned long flags = CLONE_NEWNS | CLONE_NEWPID | (rootless ? CLONE_NEWUSER : 0) | SIGCHLD;
  const auto init =
      static_cast<pid_t>(::syscall(SYS_clone, flags, nullptr, nullptr, nullptr, nullptr));
  if (init < 0) {
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    return namespace_error(rootless);
  }
  if (init > 0) {
    alive.read_end.reset();
    run_parent(init, std::move(alive.write_end), rootless, after);
  }
  alive.write_end.reset();
  const Status ready = run_init(alive.read_end, rootless);
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  if (!ready) return ready.error();
  return result;
}

}  // namespace slipway::cli
