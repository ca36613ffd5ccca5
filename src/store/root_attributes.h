// The root of a stack of layers.
#pragma once

#include <filesystem>

#include "base/result.h"

namespace slipway::store {

// The root of a stack has the attributes of its topmost layer's directory: hands them on to the
// directory of a layer that comes on top of it.
Status copy_root_attributes(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace slipway::store
