// What a variable of a bake file is set to from outside: by --var or by the environment.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "frontend/hcl/value.h"

namespace slipway::bake {

// Text, as one of the primitive types.
Result<hcl::Value> primitive_from_text(const std::string& variable, std::string_view text,
                                       const hcl::Type& type);

// Whether values of the type are read as CSV: "a,b" for lists, sets and tuples, "k:v" for maps.
bool is_read_as_csv(const hcl::Type& type);
Result<hcl::Value> value_from_csv(const std::string& variable, std::string_view text,
                                  const hcl::Type& type);

}  // namespace slipway::bake
