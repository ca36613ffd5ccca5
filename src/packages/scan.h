// Finding the packages in a file system.
#pragma once

#include <filesystem>
#include <stop_token>

#include "base/result.h"
#include "packages/package.h"

namespace slipway::packages {

// Reads the databases of dpkg, apk and rpm (rpmdb.sqlite; of other forms a warning tells), and
// looks everywhere for Python's *.dist-info and *.egg-info and for node_modules. `root` is a
// mounted image: no path leads out of it. A database that is damaged is a warning.
Result<Inventory> scan_packages(const std::filesystem::path& root, std::stop_token stop);

}  // namespace slipway::packages
