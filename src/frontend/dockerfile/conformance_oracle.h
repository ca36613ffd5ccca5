// For tests: answers to the questions that `refllb -mode oracle` answers for BuildKit's libraries.
#pragma once

#include <nlohmann/json.hpp>

namespace slipway::dockerfile {

// {"f": "word", "in": "${A:-b}", "env": ["A=1"]} -> {"out": "1"} or {"err": "..."}. `f` is also one
// of words, ignorefile, ignore (with "patterns"), gitref, ref, platform, size.
nlohmann::json answer_to(const nlohmann::json& request);

}  // namespace slipway::dockerfile
