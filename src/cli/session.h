// What commands of one invocation share: the opened store, and what the environment tells the
// registry client.
#pragma once

#include <memory>

#include "base/result.h"
#include "cli/command.h"
#include "registry/options.h"
#include "store/store.h"

namespace slipway::cli {

// The store of --root. The command must have entered the build namespaces (Command::builds). Damage
// that is found and repaired is told on stderr.
Result<std::unique_ptr<store::Store>> open_store(const Invocation& invocation);

// To be called at the end of a command that may have written to the store. What is written is put
// on disk now where SLIPWAY_SYNC=wait or CI say that this process should wait for it (a runner may
// be gone the next moment), else by a process that main() leaves behind (background_sync.h).
Status end_use(store::Store& store, const Environment& environment);

// The same as open_store() for a command that makes room, or says where it could be made: also on a
// full disk.
Result<std::unique_ptr<store::Store>> open_full_store(const Invocation& invocation);

// An error of a disk that is full, without a hint of its own, says how to make room in the store.
Error with_full_disk_hint(Error error, const Invocation& invocation);

// Credential files of docker and podman, certificates, proxies, mirrors: from the variables and the
// files that docker and podman read. A configuration file that cannot be understood is told on
// stderr and left out.
registry::ClientOptions client_options(const Environment& environment);

}  // namespace slipway::cli
