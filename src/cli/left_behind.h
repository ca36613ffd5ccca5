// A process that outlives ours and does what nobody has to wait for.
#pragma once

#include <string>
#include <vector>

namespace slipway::cli {

// Starts "slipway ARGUMENTS" at the lowest priority, with nothing of ours: a pipe that it held
// would keep the pipe's reader waiting, our directory the file system that it is on. Paths among
// the arguments are absolute. It is killed after ten minutes: what it does must bear that. To be
// called by a process that is about to exit. What goes wrong is told to nobody.
void leave_behind(const std::vector<std::string>& arguments);

}  // namespace slipway::cli
