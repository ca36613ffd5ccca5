// Programs of this machine that keep images and run containers.
#pragma once

#include <string>
#include <vector>

#include "cli/environment.h"

namespace slipway::cli {

// The command that reads an image archive from its stdin: docker's where its daemon can be there,
// else podman's, else containerd's. Empty: there is none.
std::vector<std::string> load_command(const Environment& environment);

}  // namespace slipway::cli
