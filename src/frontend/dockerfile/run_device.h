// RUN --device: "vendor.com/class=name,required".
#pragma once

#include <string_view>

#include "base/result.h"
#include "frontend/dockerfile/instruction.h"

namespace slipway::dockerfile {

Result<RunDevice> parse_device(std::string_view value);

}  // namespace slipway::dockerfile
