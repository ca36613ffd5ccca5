// The functions that bake files may call: those of buildx 0.38, under its names.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "frontend/hcl/function.h"

namespace slipway::hcl {

// What functions know of the world.
struct Surroundings {
  std::string home_directory;
  std::function<int64_t()> now;  // seconds since 1970
};

Functions standard_functions(const Surroundings& surroundings);

}  // namespace slipway::hcl
