// What the first open after a start of the machine does: drops what no barrier covered.
#pragma once

#include "store/core.h"

namespace slipway::store {

// Compares the boot id with the one of the last open; on a change removes unsafe rows, everything
// that depends on them, and files that no row speaks of. Safe against other processes doing the
// same.
Status recover_after_boot(Core& core);

}  // namespace slipway::store
