// Values as JSON, and JSON as values.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "frontend/hcl/type.h"
#include "frontend/hcl/value.h"

namespace slipway::hcl {

// Compact JSON, members sorted. Infinity prints as a bare word: see json_encode.
std::string to_json(const Value& value);
// The same; where `type` leaves a part open ("any"), that part's type is written along.
std::string to_json(const Value& value, const Type& type);

// As jsonencode: infinite numbers are an error.
Result<std::string> json_encode(const Value& value);
// Objects and arrays become objects and tuples.
Result<Value> json_decode(std::string_view text);
// A value of that type; nothing is converted but between texts, numbers and booleans.
Result<Value> json_decode(std::string_view text, const Type& type);

// "text" in quotes, escaped as Go's encoding/json does.
std::string json_quote(std::string_view text);

}  // namespace slipway::hcl
