// The OCI runtime configuration (config.json) of one step.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "executor/process_spec.h"
#include "executor/user_lookup.h"

namespace slipway::executor {

// A mount with everything resolved: `destination` is inside the rootfs and free of symlinks.
struct ResolvedMount {
  std::string destination;
  std::string type;  // "bind" or "tmpfs"
  std::string source;
  std::vector<std::string> options;
};

// How the runtime gets the system call filter: crun takes a compiled program, runc the rules.
struct CompiledFilter {
  std::string bpf;
};
struct FilterRules {};
using SeccompForm = std::variant<CompiledFilter, FilterRules>;

struct OciConfigInput {
  const ProcessSpec& spec;
  const ContainerUser& user;
  // Path of an existing network namespace; empty for the host's.
  std::string network_namespace;
  std::vector<ResolvedMount> mounts;  // after the standard ones
  const SeccompForm& seccomp;
  // In a user namespace some file systems of a host network cannot be mounted afresh.
  bool in_user_namespace = false;
};

// Fails with InvalidInput when an argument or a variable is not UTF-8 (JSON cannot carry it) or a
// resource limit has an unknown name.
Result<std::string> make_oci_config(const OciConfigInput& input);

}  // namespace slipway::executor
