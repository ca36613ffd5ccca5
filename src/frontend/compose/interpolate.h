// Variables in compose files: $NAME, ${NAME}, ${NAME:-default} and the other operators.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace slipway::compose {

using Environment = std::map<std::string, std::string>;

// "$$" is a dollar. A variable without value is empty; ${NAME:?why} and ${NAME?why} make that an
// error. Defaults may hold variables themselves.
Result<std::string> interpolate(std::string_view text, const Environment& environment);

// The lines of a .env file, added to what `environment` holds: existing names win. Values may use
// variables of either.
Result<Environment> read_dotenv(std::string_view text, const Environment& environment);

}  // namespace slipway::compose
