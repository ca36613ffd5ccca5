// Single entries copied as they are, with all they have.
#pragma once

#include <sys/stat.h>

#include <string>

#include "base/result.h"

namespace slipway::ops {

// The open file as a new file `name`, where nothing is. No attributes of overlayfs.
Status copy_open_file(int from, int directory, const std::string& name);

// A symlink, device, pipe or socket: `name`, of which `info` is, as a new entry of that name in
// another directory.
Status copy_node(int from, const std::string& name, const struct stat& info, int to);

}  // namespace slipway::ops
