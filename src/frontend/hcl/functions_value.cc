// Functions about values of any kind: try, can, convert, coalesce; and those of byte buffers, which
// nothing can make.
#include <utility>

#include "frontend/hcl/convert.h"
#include "frontend/hcl/function_groups.h"
#include "frontend/hcl/type_expression.h"

namespace slipway::hcl {
namespace {

Result<Value> try_each(const LazyArguments& arguments) {
  std::string messages;
  for (size_t i = 0; i < arguments.size(); ++i) {
    Result<Value> value = arguments.evaluate(i);
    if (value) return value;
    messages += "\n- " + value.error().message();
  }
  if (arguments.size() == 0) return function_error("at least one argument is required");
  return function_error("no expression succeeded:{}", messages);
}

Result<Value> coalesce(Arguments arguments) {
  std::vector<Type> types;
  for (const Value& value : arguments) types.push_back(value.type());
  const std::optional<Type> common = unify(types);
  if (!common) return function_error("all arguments must have the same type");
  for (const Value& value : arguments) {
    if (!value.is_null()) return convert(value, *common);
  }
  return function_error("no non-null arguments");
}

Result<Value> needs_bytes(Arguments) {
  return function_error("bytes required");
}

}  // namespace

void add_value_functions(Functions& functions) {
  functions["try"] = Function{{}, any_parameter("expressions"), nullptr, try_each};
  functions["can"] = Function{{any_parameter("expression")},
                              std::nullopt,
                              nullptr,
                              [](const LazyArguments& arguments) -> Result<Value> {
                                return Value::boolean(arguments.evaluate(0).has_value());
                              }};
  functions["convert"] = Function{{any_parameter("value"), any_parameter("type")},
                                  std::nullopt,
                                  nullptr,
                                  [](const LazyArguments& arguments) -> Result<Value> {
                                    const Value value = TRY(arguments.evaluate(0));
                                    const Type type = TRY(type_constraint(arguments.expression(1)));
                                    return convert(value, type);
                                  }};
  add_variadic(functions, "coalesce", {}, {"vals", Type::any(), true}, coalesce);
  add_function(functions, "byteslen", {any_parameter("buf")}, needs_bytes);
  add_function(functions, "bytesslice",
               {any_parameter("buf"), number_parameter("offset"), number_parameter("length")},
               needs_bytes);
}

}  // namespace slipway::hcl
