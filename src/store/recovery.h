// Cleaning up after a machine or a process that died.
#pragma once

#include "store/core.h"

namespace slipway::store {

// Compares the boot id with the one of the last open; on a change removes unsafe rows, rows whose
// file is gone, everything that depends on them, and files that no row speaks of. Safe against
// other processes doing the same.
Status recover_after_boot(Core& core);

// Removes directories of snapshots and cache mounts that have no row: of removals that were killed
// half-way. Safe at any time, because rows are written before directories are made.
Status remove_unknown_directories(Core& core, Database& database);

}  // namespace slipway::store
