// The namespaces that a build lives in, so that nothing of it can outlive it.
#pragma once

#include <sys/types.h>

#include <functional>

#include "base/result.h"

namespace slipway::cli {

struct BuildNamespaces {
  bool rootless = false;  // an ordinary user started us: we are root in a user namespace only
  uid_t host_uid = 0;     // who started us
};

// To be called first thing by commands that build, before any thread exists. Returns in a child
// process that has a mount and a pid namespace of its own, with /proc to match, and for an ordinary
// user a user namespace with the subordinate ids of /etc/subuid and /etc/subgid. Mounts, processes
// and network namespaces made from here on die with it, however it or its parent ends.
//
// The calling process does not return on success: it passes SIGINT, SIGTERM, SIGHUP, SIGQUIT and
// SIGWINCH on, waits, and exits with the child's exit code (128 + signal when a signal ended it).
// docs/executor.md has a picture.
//
// `after`: called in the calling process when the child has ended by itself, whatever its exit
// code, just before exiting.
Result<BuildNamespaces> enter_build_namespaces(const std::function<void()>& after = {});

}  // namespace slipway::cli
