// Garbage collection after a build: a process of the lowest priority that outlives ours, now and
// then.
#pragma once

#include <filesystem>

#include "cli/environment.h"

namespace slipway::cli {

// To be called when the build is over and told, in a process without threads that is about to exit.
// Starts "slipway prune --gc" where the store has not been looked at for an hour, or the disk has
// less room than it should have and five minutes have passed. Costs two system calls otherwise, and
// nobody waits. What goes wrong is nobody's business now: the next build tries again.
void start_background_prune(const Environment& environment, const std::filesystem::path& root);

// The store at `root` is being looked at now.
void note_collection(const std::filesystem::path& root);

}  // namespace slipway::cli
