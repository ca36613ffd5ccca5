// The value of an expression.
#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "frontend/hcl/expression.h"
#include "frontend/hcl/function.h"
#include "frontend/hcl/value.h"

namespace slipway::hcl {

// How much one file may compute: endless growth (a list that doubles a hundred times) is an error.
struct Budget {
  size_t steps = 3'000'000;  // expressions evaluated, elements and bytes made
  int depth = 0;             // of expressions that are being evaluated
};

// Names that an expression may use; those of the parent where it has none itself.
struct Scope {
  const Scope* parent = nullptr;
  std::map<std::string, Value> variables;
  Functions functions;
  Budget* budget = nullptr;  // nullptr: the parent's; nobody's where no scope has one
};

// Without a scope, neither variables nor functions may be used, and JSON texts are no templates.
Result<Value> evaluate(const Expression& expression, const Scope* scope);

// collection[key] and object.name, as expressions do it.
Result<Value> index_of(const Value& collection, const Value& key, const Range& range);
Result<Value> attribute_of(const Value& object, const std::string& name, const Range& range);

}  // namespace slipway::hcl
