// Lists and durations as Go's fmt package prints them: image histories written by BuildKit contain
// such text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace slipway::dockerfile {

std::string go_quote_list(const std::vector<std::string>& list);  // %q: ["a" "b"]
std::string go_list(const std::vector<std::string>& list);        // %v: [a b]
std::string go_duration(int64_t nanoseconds);                     // %v: 1m30s, 500ms, 0s

}  // namespace slipway::dockerfile
