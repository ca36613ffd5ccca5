// The database of rpm in its SQLite form (rpmdb.sqlite: Fedora since 33, RHEL since 9, openSUSE).
#pragma once

#include <functional>
#include <stop_token>
#include <string_view>

#include "base/result.h"

namespace slipway::packages {

// Calls `take` with the header of every package. `fd`: the file, which is hostile; what a process
// left in a write-ahead log beside it is not seen. InvalidInput when it is no such database.
Status read_rpm_database(int fd, const std::function<void(std::string_view header)>& take,
                         std::stop_token stop);

}  // namespace slipway::packages
