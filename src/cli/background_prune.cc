#include "cli/background_prune.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ctime>

#include "base/unique_fd.h"
#include "cli/garbage_settings.h"

namespace slipway::cli {
namespace {

constexpr time_t kEvery = 3600;         // seconds
constexpr time_t kWhenDiskIsLow = 300;  // again, though it may be others who fill the disk
constexpr unsigned kLongest = 600;

// Its time says when the store was looked at last.
std::filesystem::path time_file(const std::filesystem::path& root) {
  return root / "locks" / "collected";
}

bool is_due(const Environment& environment, const std::filesystem::path& root) {
  struct stat last{};
  if (::stat(time_file(root).c_str(), &last) != 0) {
    note_collection(root);  // a new store
    return false;
  }
  const time_t age = ::time(nullptr) - last.st_mtime;
  if (age < kWhenDiskIsLow && age >= 0) return false;
  const Result<store::DiskSpace> disk = store::disk_space(root);
  if (!disk) return false;
  const Result<GarbageSettings> settings = garbage_settings(environment, *disk);
  if (!settings || !settings->automatic) return false;
  return age < 0 || age >= kEvery || disk->free < settings->limits.min_free;
}

void take_lowest_priority() {
  constexpr int kIdleIo = 3 << 13;  // IOPRIO_CLASS_IDLE; there is no header for it
  ::setpriority(PRIO_PROCESS, 0, 19);
  const sched_param parameter{};
  ::sched_setscheduler(0, SCHED_IDLE, &parameter);
  ::syscall(SYS_ioprio_set, 1, 0, kIdleIo);
}

// Nothing of the build's is kept: a pipe that we hold would keep its reader waiting.
void let_go_of_everything() {
  ::setsid();
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) ::_exit(1);
  for (const int fd : {0, 1, 2}) ::dup2(null, fd);
  ::close_range(3, ~0u, 0);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace

void note_collection(const std::filesystem::path& root) {
  const UniqueFd file(
      ::open(time_file(root).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file) ::futimens(file.get(), nullptr);
}

void start_background_prune(const Environment& environment, const std::filesystem::path& root) {
  const std::filesystem::path store = environment.working_directory / root;
  if (!is_due(environment, store) || ::fork() != 0) return;
  let_go_of_everything();
  take_lowest_priority();
  ::alarm(kLongest);  // a killed prune is a prune that ended early
  ::execl("/proc/self/exe", "slipway", "--root", store.c_str(), "prune", "--gc", "--force",
          nullptr);
  ::_exit(1);
}

}  // namespace slipway::cli
