// Conversion between types, by cty's rules: what HCL does where a value meets a type.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "frontend/hcl/type.h"
#include "frontend/hcl/value.h"

namespace slipway::hcl {

// Whether values of `from` may become values of `to`. Safe conversions always succeed; unsafe ones
// (text to number, map to object) depend on the value.
enum class Safety { Safe, Unsafe };
bool is_convertible(const Type& from, const Type& to, Safety safety = Safety::Unsafe);

// The value as one of that type. The message of the error says what is wrong with the value, not
// where: "string required, but have tuple".
Result<Value> convert(const Value& value, const Type& type);

// The type that values of all these types can become; nothing where there is none (and of no
// types).
std::optional<Type> unify(const std::vector<Type>& types, Safety safety = Safety::Unsafe);

// What is wrong with a value of type `have` where `want` is needed.
std::string mismatch(const Type& have, const Type& want);

}  // namespace slipway::hcl
