// Types written as expressions: string, list(string), object({a = number, b = optional(bool)}).
#pragma once

#include "base/result.h"
#include "frontend/hcl/expression.h"
#include "frontend/hcl/type.h"

namespace slipway::hcl {

Result<Type> type_constraint(const Expression& expression);

}  // namespace slipway::hcl
