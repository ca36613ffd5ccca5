// Times of images, as text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace slipway {

// The form that Go prints for the same instant: no trailing zeros in the fraction (at most nine
// digits), "Z" for a zero offset. InvalidInput for what is no RFC 3339 time.
Result<std::string> canonical_rfc3339(std::string_view text);

// "2026-11-24T07:00:00Z" and the nanoseconds in between, in UTC.
std::string format_rfc3339(int64_t seconds, int64_t nanoseconds = 0);
std::string format_rfc3339_microseconds(int64_t microseconds);
// Seconds since the epoch of an RFC 3339 time; fractions are cut off.
Result<int64_t> rfc3339_seconds(std::string_view text);
// Microseconds since the epoch; what is finer is cut off.
Result<int64_t> rfc3339_microseconds(std::string_view text);
// Whether `time` is before `other`, to the microsecond; as texts "0.1Z" is behind "0.12Z". What is
// no time is before all that are.
bool rfc3339_before(std::string_view time, std::string_view other);

}  // namespace slipway
