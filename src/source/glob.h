// Shell patterns over one path component, as Go's path.Match reads them (COPY's wildcards).
#pragma once

#include <string_view>

#include "base/result.h"

namespace slipway::source {

bool has_wildcards(std::string_view component);

// "*" any run, "?" one character, "[a-z]" and "[^a-z]" classes, "\" takes the next one literally.
// A malformed pattern is InvalidInput.
Result<bool> glob_match(std::string_view pattern, std::string_view name);

}  // namespace slipway::source
