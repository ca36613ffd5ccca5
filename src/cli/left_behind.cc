#include "cli/left_behind.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace slipway::cli {
namespace {

constexpr unsigned kLongest = 600;  // seconds

void take_lowest_priority() {
  constexpr int kIdleIo = 3 << 13;  // IOPRIO_CLASS_IDLE; there is no header for it
  ::setpriority(PRIO_PROCESS, 0, 19);
  const sched_param parameter{};
  ::sched_setscheduler(0, SCHED_IDLE, &parameter);
  ::syscall(SYS_ioprio_set, 1, 0, kIdleIo);
}

void let_go_of_everything() {
  ::setsid();
  if (::chdir("/") != 0) ::_exit(1);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) ::_exit(1);
  for (const int fd : {0, 1, 2}) ::dup2(null, fd);
  ::close_range(3, ~0u, 0);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace

void leave_behind(const std::vector<std::string>& arguments) {
  // Made before the fork: afterwards only system calls are safe.
  std::vector<const char*> argv = {"slipway"};
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  argv.push_back(nullptr);
  // We go when the child has let go: who unmounts our directory next must not find it busy.
  int letting_go[2];
  if (::pipe2(letting_go, O_CLOEXEC) != 0) return;
  if (::fork() != 0) {
    ::close(letting_go[1]);
    char nothing;
    (void)!::read(letting_go[0], &nothing, 1);
    ::close(letting_go[0]);
    return;
  }
  let_go_of_everything();
  take_lowest_priority();
  ::alarm(kLongest);
  ::execv("/proc/self/exe", const_cast<char* const*>(argv.data()));
  ::_exit(1);
}

}  // namespace slipway::cli
