// Declared in convert.h: unify() and mismatch(). Here is what they rank types by.
#pragma once

#include <vector>

#include "frontend/hcl/type.h"

namespace slipway::hcl {

// Negative where `a` is the more general type, positive where `b` is, 0 where neither is.
int compare_generality(const Type& a, const Type& b);

// The order in which types are tried as the common one: the more general first.
std::vector<size_t> generality_order(const std::vector<Type>& types);

}  // namespace slipway::hcl
