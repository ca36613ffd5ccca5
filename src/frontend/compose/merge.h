// Merging compose models: a later file over an earlier one, a service over what it extends.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "yaml/value.h"

namespace slipway::compose {

using yaml::Value;

// Maps merge member by member, lists grow by what they do not hold yet, anything else is replaced.
// "!reset" removes, "!override" replaces as a whole.
Result<Value> merge_models(Value base, Value over);
Result<Value> merge_services(Value base, Value over);

// "K=V" entries in order from either form that compose allows: a mapping or a list. A key without
// value is "K".
Result<std::vector<Value>> key_values(const Value& value, std::string_view what);

}  // namespace slipway::compose
