// The wildcard patterns of ${name#pattern} and its relatives: "*", "?", "\" escapes; no brackets.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace slipway::dockerfile {

// ${value#pattern}, ${value##pattern}: without the shortest or longest (greedy) match at its start.
Result<std::string> trim_prefix(std::string_view pattern, std::string_view value, bool greedy);
// ${value%pattern}, ${value%%pattern}.
Result<std::string> trim_suffix(std::string_view pattern, std::string_view value, bool greedy);
// ${value/pattern/replacement}, ${value//pattern/replacement}; matches are the longest.
Result<std::string> replace(std::string_view pattern, std::string_view value,
                            std::string_view replacement, bool all);

}  // namespace slipway::dockerfile
