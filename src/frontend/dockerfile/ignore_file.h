// .dockerignore: its lines as patterns. base/pattern_matcher.h matches paths with them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace slipway::dockerfile {

// The patterns in order, cleaned: comments and blank lines left out, leading slashes removed,
// "!" kept.
std::vector<std::string> read_ignore_file(std::string_view text);

}  // namespace slipway::dockerfile
