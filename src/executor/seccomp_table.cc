// The default seccomp profile, as a table. Names that an architecture does not have are skipped.
#include <sys/stat.h>

#include <array>
#include <cerrno>

#include "executor/seccomp_profile.h"

namespace slipway::executor {
namespace {

constexpr const char* kAlways[] = {
    "accept",
    "accept4",
    "access",
    "adjtimex",
    "alarm",
    "bind",
    "brk",
    "capget",
    "capset",
    "chdir",
    "chmod",
    "chown",
    "chown32",
    "clock_adjtime",
    "clock_adjtime64",
    "clock_getres",
    "clock_getres_time64",
    "clock_gettime",
    "clock_gettime64",
    "clock_nanosleep",
    "clock_nanosleep_time64",
    "close",
    "close_range",
    "connect",
    "copy_file_range",
    "creat",
    "dup",
    "dup2",
    "dup3",
    "epoll_create",
    "epoll_create1",
    "epoll_ctl",
    "epoll_ctl_old",
    "epoll_pwait",
    "epoll_pwait2",
    "epoll_wait",
    "epoll_wait_old",
    "eventfd",
    "eventfd2",
    "execve",
    "execveat",
    "exit",
    "exit_group",
    "faccessat",
    "faccessat2",
    "fadvise64",
    "fadvise64_64",
    "fallocate",
    "fanotify_mark",
    "fchdir",
    "fchmod",
    "fchmodat",
    "fchown",
    "fchown32",
    "fchownat",
    "fcntl",
    "fcntl64",
    "fdatasync",
    "fgetxattr",
    "flistxattr",
    "flock",
    "fork",
    "fremovexattr",
    "fsetxattr",
    "fstat",
    "fstat64",
    "fstatat64",
    "fstatfs",
    "fstatfs64",
    "fsync",
    "ftruncate",
    "ftruncate64",
    "futex",
    "futex_time64",
    "futex_waitv",
    "futimesat",
    "getcpu",
    "getcwd",
    "getdents",
    "getdents64",
    "getegid",
    "getegid32",
    "geteuid",
    "geteuid32",
    "getgid",
    "getgid32",
    "getgroups",
    "getgroups32",
    "getitimer",
    "getpeername",
    "getpgid",
    "getpgrp",
    "getpid",
    "getppid",
    "getpriority",
    "getrandom",
    "getresgid",
    "getresgid32",
    "getresuid",
    "getresuid32",
    "getrlimit",
    "get_robust_list",
    "getrusage",
    "getsid",
    "getsockname",
    "getsockopt",
    "get_thread_area",
    "gettid",
    "gettimeofday",
    "getuid",
    "getuid32",
    "getxattr",
    "inotify_add_watch",
    "inotify_init",
    "inotify_init1",
    "inotify_rm_watch",
    "io_cancel",
    "ioctl",
    "io_destroy",
    "io_getevents",
    "io_pgetevents",
    "io_pgetevents_time64",
    "ioprio_get",
    "ioprio_set",
    "io_setup",
    "io_submit",
    "ipc",
    "kill",
    "landlock_add_rule",
    "landlock_create_ruleset",
    "landlock_restrict_self",
    "lchown",
    "lchown32",
    "lgetxattr",
    "link",
    "linkat",
    "listen",
    "listxattr",
    "llistxattr",
    "_llseek",
    "lremovexattr",
    "lseek",
    "lsetxattr",
    "lstat",
    "lstat64",
    "madvise",
    "membarrier",
    "memfd_create",
    "memfd_secret",
    "mincore",
    "mkdir",
    "mkdirat",
    "mlock",
    "mlock2",
    "mlockall",
    "mmap",
    "mmap2",
    "mprotect",
    "mq_getsetattr",
    "mq_notify",
    "mq_open",
    "mq_timedreceive",
    "mq_timedreceive_time64",
    "mq_timedsend",
    "mq_timedsend_time64",
    "mq_unlink",
    "mremap",
    "msgctl",
    "msgget",
    "msgrcv",
    "msgsnd",
    "msync",
    "munlock",
    "munlockall",
    "munmap",
    "name_to_handle_at",
    "nanosleep",
    "newfstatat",
    "_newselect",
    "open",
    "openat",
    "openat2",
    "pause",
    "pidfd_open",
    "pidfd_send_signal",
    "pipe",
    "pipe2",
    "pkey_alloc",
    "pkey_free",
    "pkey_mprotect",
    "poll",
    "ppoll",
    "ppoll_time64",
    "prctl",
    "pread64",
    "preadv",
    "preadv2",
    "prlimit64",
    "process_mrelease",
    "process_vm_readv",
    "process_vm_writev",
    "pselect6",
    "pselect6_time64",
    "ptrace",
    "pwrite64",
    "pwritev",
    "pwritev2",
    "read",
    "readahead",
    "readlink",
    "readlinkat",
    "readv",
    "recv",
    "recvfrom",
    "recvmmsg",
    "recvmmsg_time64",
    "recvmsg",
    "remap_file_pages",
    "removexattr",
    "rename",
    "renameat",
    "renameat2",
    "restart_syscall",
    "rmdir",
    "rseq",
    "rt_sigaction",
    "rt_sigpending",
    "rt_sigprocmask",
    "rt_sigqueueinfo",
    "rt_sigreturn",
    "rt_sigsuspend",
    "rt_sigtimedwait",
    "rt_sigtimedwait_time64",
    "rt_tgsigqueueinfo",
    "sched_getaffinity",
    "sched_getattr",
    "sched_getparam",
    "sched_get_priority_max",
    "sched_get_priority_min",
    "sched_getscheduler",
    "sched_rr_get_interval",
    "sched_rr_get_interval_time64",
    "sched_setaffinity",
    "sched_setattr",
    "sched_setparam",
    "sched_setscheduler",
    "sched_yield",
    "seccomp",
    "select",
    "semctl",
    "semget",
    "semop",
    "semtimedop",
    "semtimedop_time64",
    "send",
    "sendfile",
    "sendfile64",
    "sendmmsg",
    "sendmsg",
    "sendto",
    "setfsgid",
    "setfsgid32",
    "setfsuid",
    "setfsuid32",
    "setgid",
    "setgid32",
    "setgroups",
    "setgroups32",
    "setitimer",
    "setpgid",
    "setpriority",
    "setregid",
    "setregid32",
    "setresgid",
    "setresgid32",
    "setresuid",
    "setresuid32",
    "setreuid",
    "setreuid32",
    "setrlimit",
    "set_robust_list",
    "setsid",
    "setsockopt",
    "set_thread_area",
    "set_tid_address",
    "setuid",
    "setuid32",
    "setxattr",
    "shmat",
    "shmctl",
    "shmdt",
    "shmget",
    "shutdown",
    "sigaltstack",
    "signalfd",
    "signalfd4",
    "sigprocmask",
    "sigreturn",
    "socketcall",
    "socketpair",
    "splice",
    "stat",
    "stat64",
    "statfs",
    "statfs64",
    "statx",
    "symlink",
    "symlinkat",
    "sync",
    "sync_file_range",
    "syncfs",
    "sysinfo",
    "tee",
    "tgkill",
    "time",
    "timer_create",
    "timer_delete",
    "timer_getoverrun",
    "timer_gettime",
    "timer_gettime64",
    "timer_settime",
    "timer_settime64",
    "timerfd_create",
    "timerfd_gettime",
    "timerfd_gettime64",
    "timerfd_settime",
    "timerfd_settime64",
    "times",
    "tkill",
    "truncate",
    "truncate64",
    "ugetrlimit",
    "umask",
    "uname",
    "unlink",
    "unlinkat",
    "utime",
    "utimensat",
    "utimensat_time64",
    "utimes",
    "vfork",
    "vmsplice",
    "wait4",
    "waitid",
    "waitpid",
    "write",
    "writev",
};

// Calls of single architectures; elsewhere the names resolve to nothing.
constexpr const char* kOfArchitecture[] = {
    "arch_prctl",         "modify_ldt",         "arm_fadvise64_64",    "arm_sync_file_range",
    "sync_file_range2",   "breakpoint",         "cacheflush",          "set_tls",
    "riscv_flush_icache", "s390_pci_mmio_read", "s390_pci_mmio_write", "s390_runtime_instr",
    "swapcontext",
};

// With CAP_SYS_CHROOT, which steps have.
constexpr const char* kWithCapabilities[] = {"chroot"};

// Linux execution domains that change nothing a sandbox relies on: PER_LINUX, PER_LINUX32,
// UNAME26, both, and the query.
constexpr const char* kPersonality[] = {"personality"};
constexpr std::array<SeccompCondition, 1> kPersonalities[] = {
    {{{0, SeccompCompare::Equal, 0x0}}},        {{{0, SeccompCompare::Equal, 0x8}}},
    {{{0, SeccompCompare::Equal, 0x20000}}},    {{{0, SeccompCompare::Equal, 0x20008}}},
    {{{0, SeccompCompare::Equal, 0xffffffff}}},
};

// AF_VSOCK reaches the hypervisor around every network namespace.
constexpr const char* kSocket[] = {"socket"};
constexpr SeccompCondition kNotVsock[] = {{0, SeccompCompare::NotEqual, 40}};

// No CLONE_NEW* flag: a step makes no namespaces. clone3 passes its flags in memory, where a filter
// cannot look; ENOSYS makes C libraries use clone.
constexpr const char* kClone[] = {"clone"};
constexpr SeccompCondition kNoNamespaceFlags[] = {{0, SeccompCompare::MaskedEqual, 0, 0x7e020000}};
constexpr const char* kClone3[] = {"clone3"};

// mknod(path, mode, device) and mknodat(directory, path, mode, device): anything but device nodes,
// and the devices that every container may use, plus overlayfs's whiteout. With no device cgroup
// a node for a disk would open; Docker refuses the opening, this the making.
constexpr const char* kMknod[] = {"mknod"};
constexpr const char* kMknodat[] = {"mknodat"};
constexpr uint64_t kHarmlessTypes[] = {0, S_IFREG, S_IFIFO, S_IFSOCK};
constexpr uint64_t device(uint64_t major, uint64_t minor) {
  return major << 8 | minor;
}
constexpr uint64_t kHarmlessDevices[] = {
    device(0, 0),  // whiteout
    device(1, 3),  // null
    device(1, 5),  // zero
    device(1, 7),  // full
    device(1, 8),  // random
    device(1, 9),  // urandom
    device(5, 0),  // tty
    device(5, 1),  // console
    device(5, 2),  // ptmx
};

template <unsigned kModeArgument>
constexpr auto conditions_on_type() {
  std::array<std::array<SeccompCondition, 1>, std::size(kHarmlessTypes)> conditions{};
  for (size_t i = 0; i < conditions.size(); ++i) {
    conditions[i][0] = {kModeArgument, SeccompCompare::MaskedEqual, kHarmlessTypes[i], S_IFMT};
  }
  return conditions;
}
template <unsigned kModeArgument>
constexpr auto conditions_on_device() {
  std::array<std::array<SeccompCondition, 2>, std::size(kHarmlessDevices)> conditions{};
  for (size_t i = 0; i < conditions.size(); ++i) {
    conditions[i][0] = {kModeArgument, SeccompCompare::MaskedEqual, S_IFCHR, S_IFMT};
    conditions[i][1] = {kModeArgument + 1, SeccompCompare::Equal, kHarmlessDevices[i], 0};
  }
  return conditions;
}
constexpr auto kMknodTypes = conditions_on_type<1>();
constexpr auto kMknodDevices = conditions_on_device<1>();
constexpr auto kMknodatTypes = conditions_on_type<2>();
constexpr auto kMknodatDevices = conditions_on_device<2>();

constexpr SeccompRule kPlainRules[] = {
    {kAlways, 0, {}},
    {kOfArchitecture, 0, {}},
    {kWithCapabilities, 0, {}},
    {kPersonality, 0, kPersonalities[0]},
    {kPersonality, 0, kPersonalities[1]},
    {kPersonality, 0, kPersonalities[2]},
    {kPersonality, 0, kPersonalities[3]},
    {kPersonality, 0, kPersonalities[4]},
    {kSocket, 0, kNotVsock},
    {kClone, 0, kNoNamespaceFlags},
    {kClone3, ENOSYS, {}},
};

constexpr size_t kRuleCount = std::size(kPlainRules) + kMknodTypes.size() + kMknodDevices.size() +
                              kMknodatTypes.size() + kMknodatDevices.size();
constexpr auto kRules = [] {
  std::array<SeccompRule, kRuleCount> rules{};
  size_t next = 0;
  for (const SeccompRule& rule : kPlainRules) rules[next++] = rule;
  for (const auto& conditions : kMknodTypes) rules[next++] = {kMknod, 0, conditions};
  for (const auto& conditions : kMknodDevices) rules[next++] = {kMknod, 0, conditions};
  for (const auto& conditions : kMknodatTypes) rules[next++] = {kMknodat, 0, conditions};
  for (const auto& conditions : kMknodatDevices) rules[next++] = {kMknodat, 0, conditions};
  return rules;
}();

constexpr NewSyscall kNewSyscalls[] = {
    {"cachestat", 451},     {"fchmodat2", 452},     {"map_shadow_stack", 453}, {"futex_wake", 454},
    {"futex_wait", 455},    {"futex_requeue", 456}, {"statmount", 457},        {"listmount", 458},
    {"mseal", 462},         {"setxattrat", 463},    {"getxattrat", 464},       {"listxattrat", 465},
    {"removexattrat", 466},
};

}  // namespace

std::span<const SeccompRule> seccomp_rules() {
  return kRules;
}
std::span<const NewSyscall> new_syscalls() {
  return kNewSyscalls;
}

}  // namespace slipway::executor
