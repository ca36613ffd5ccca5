// Several platforms in one text, as --platform and definitions have them.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "oci/platform.h"

namespace slipway {

// "linux/amd64,local"; "local" is this machine.
Result<std::vector<Platform>> parse_platform_list(std::string_view text);

}  // namespace slipway
