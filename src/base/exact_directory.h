// Directories whose mode shows to others.
#pragma once

#include <filesystem>

#include "base/result.h"

namespace slipway {

// Creates one directory with exactly this mode, whatever the umask. EEXIST where something is
// there.
Status make_directory(const std::filesystem::path& path, unsigned mode = 0755);

}  // namespace slipway
