// Function: what an expression can call.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "frontend/hcl/expression.h"
#include "frontend/hcl/type.h"
#include "frontend/hcl/value.h"

namespace slipway::hcl {

struct Parameter {
  std::string name;
  Type type;
  bool allows_null = false;
};

// How a function that does not simply take values gets at its arguments: try, can, convert.
class LazyArguments {
 public:
  virtual ~LazyArguments() = default;
  virtual size_t size() const = 0;
  virtual Result<Value> evaluate(size_t index) const = 0;
  virtual const Expression& expression(size_t index) const = 0;
};

struct Function {
  std::vector<Parameter> parameters;
  std::optional<Parameter> rest;  // of all further arguments; nothing: there are none
  // Gets as many arguments as there are parameters, and those of `rest`, converted to their types.
  std::function<Result<Value>(std::span<const Value> arguments)> call;
  // Called in its place where set.
  std::function<Result<Value>(const LazyArguments& arguments)> call_lazily;
};

using Functions = std::map<std::string, Function>;

}  // namespace slipway::hcl
