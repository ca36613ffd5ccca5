// Reading directories and links relative to a descriptor.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace slipway {

// The names in an open directory, sorted by byte order, without "." and "..".
Result<std::vector<std::string>> directory_entries(int directory_fd);

// The target of symlink `name` of that directory.
Result<std::string> read_link(int directory_fd, const std::string& name);

}  // namespace slipway
