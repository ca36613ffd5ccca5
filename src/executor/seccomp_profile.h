// The system calls that a build step may make: an allow-list with Docker's documented default
// profile as its measure (docs/executor.md says where the two differ).
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/result.h"

namespace slipway::executor {

enum class SeccompCompare { Equal, NotEqual, MaskedEqual };

// One condition on one argument; the call is let through (or refused) only when it holds.
struct SeccompCondition {
  unsigned argument = 0;
  SeccompCompare compare = SeccompCompare::Equal;
  uint64_t value = 0;  // for MaskedEqual: what the masked argument must equal
  uint64_t mask = 0;
};

struct SeccompRule {
  std::span<const char* const> names;
  int errno_value = 0;  // 0: allowed; else the call fails with it
  std::span<const SeccompCondition> conditions;
};

// A call newer than the libseccomp we may be built with. From 424 on, numbers are the same on every
// architecture.
struct NewSyscall {
  const char* name;
  uint32_t number;
};

// The profile, as data (seccomp_table.cc). Everything it does not name fails with EPERM, except
// numbers from kFirstNewSyscall on: what is not listed there fails with ENOSYS, because C libraries
// fall back to older calls only on that error.
std::span<const SeccompRule> seccomp_rules();
std::span<const NewSyscall> new_syscalls();
inline constexpr uint32_t kFirstNewSyscall = 451;

// The profile as a BPF program (an array of struct sock_filter) for this machine and the 32-bit
// architectures it also runs.
Result<std::string> compile_seccomp_filter();

}  // namespace slipway::executor
