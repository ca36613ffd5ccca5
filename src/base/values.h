// How the Go programs whose files and flags we read spell values: booleans, durations, sizes and
// one-line CSV. Accepts what they accept; error texts are theirs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace slipway {

// 1 t T true TRUE True, 0 f F false FALSE False.
Result<bool> parse_bool(std::string_view text);

// "1h30m", "1.5s", "-2ms": nanoseconds.
Result<int64_t> parse_duration(std::string_view text);

// "64m", "1.5 GiB", "100": bytes, in powers of 1024 whether or not there is an "i" (docker's
// RAMInBytes).
Result<int64_t> parse_size(std::string_view text);

// The fields of one line of CSV. An empty line is an error.
Result<std::vector<std::string>> parse_csv_line(std::string_view line);

// " (did you mean X?)" for the candidate nearest to `word`, or nothing.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace slipway
