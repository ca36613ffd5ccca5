// The databases of package managers as text: hostile input, of which any bytes are accepted. What
// is no whole record is passed over, and so is what comes after one more than kMostPackages.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "packages/package.h"

namespace slipway::packages {

// Debian has 65,000.
inline constexpr size_t kMostPackages = 1 << 18;

// /var/lib/dpkg/status, and the files of status.d that images without dpkg have: the packages that
// are installed.
std::vector<Package> parse_dpkg_status(std::string_view text);

// /lib/apk/db/installed.
std::vector<Package> parse_apk_installed(std::string_view text);

// METADATA of a *.dist-info directory or PKG-INFO of *.egg-info; nullopt without name or version.
std::optional<Package> parse_python_metadata(std::string_view text);

// package.json of an installed package. InvalidInput when it is no JSON object; nullopt for one
// that has no name or version (a folder inside a package).
Result<std::optional<Package>> parse_npm_package(std::string_view text);

// The header of an rpm package as the database keeps it (rpm: docs/manual/format_header).
// InvalidInput.
Result<Package> parse_rpm_header(std::string_view bytes);

// /etc/os-release: shell assignments.
Distribution parse_os_release(std::string_view text);

}  // namespace slipway::packages
