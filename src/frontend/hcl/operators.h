// What operators compute; functions of the same meaning (add, equal, greaterthan...) use them, too.
#pragma once

#include "base/result.h"
#include "frontend/hcl/expression.h"
#include "frontend/hcl/value.h"

namespace slipway::hcl {

// The type that an operator converts its operands to; any for == and !=.
Type operand_type(Operator op);

// The type of what it yields.
Type result_type(Operator op);

// The operands have that type. Nulls are errors, but for == and !=.
Result<Value> apply(Operator op, const Value& left, const Value& right);
Result<Value> apply(Operator op, const Value& operand);

// Equal as == has it: values of different types never are.
bool are_equal(const Value& left, const Value& right);

}  // namespace slipway::hcl
