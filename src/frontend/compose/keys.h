// The keys that compose files have, and what to do about others.
#pragma once

#include <string_view>

#include "base/result.h"
#include "yaml/value.h"

namespace slipway::compose {

using yaml::Value;

// Keys of `build`: any other one is an error that names the nearest.
Status check_build_keys(const Value& build, std::string_view service);
// Keys of the file and of a service: another one is an error where it is near to a known one; else
// it is left alone, as buildx leaves it ("x-" keys always are).
Status check_model_keys(const Value& root);

}  // namespace slipway::compose
