// What a build has written reaches the disk after the build: docs/store.md, "Durability".
#pragma once

#include <filesystem>

#include "cli/environment.h"

namespace slipway::cli {

// Whether a command should wait for the disk instead: SLIPWAY_SYNC=wait, or (unless it is
// "background") where a runner may be gone the next moment: CI is set, or we are the first process
// of a container.
bool waits_for_disk(const Environment& environment);

// To be called when a command is over and told, in a process that is about to exit. Starts "slipway
// sync" where a barrier of the store at `root` was left to others; costs a system call otherwise.
void start_background_sync(const Environment& environment, const std::filesystem::path& root);

}  // namespace slipway::cli
