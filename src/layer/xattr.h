// Extended attributes of open files, with strings for buffers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace slipway::layer {

// Empty where the file system has none.
Result<std::vector<std::string>> list_xattrs(int fd);
Result<std::string> get_xattr(int fd, const std::string& key);
Status set_xattr(int fd, const std::string& key, std::string_view value);

}  // namespace slipway::layer
