// Numbers and booleans: what operators do under a name, rounding, powers, integers from digits.
#include <cmath>
#include <utility>

#include "base/unicode.h"
#include "frontend/hcl/function_groups.h"
#include "frontend/hcl/operators.h"

namespace slipway::hcl {
namespace {

void add_operator(Functions& functions, const std::string& name, Operator op) {
  const bool compares = op == Operator::Equal || op == Operator::NotEqual;
  const Type type = operand_type(op);
  add_function(functions, name, {{"a", type, compares}, {"b", type, compares}},
               [op](Arguments arguments) { return apply(op, arguments[0], arguments[1]); });
}

void add_unary(Functions& functions, const std::string& name, Number (*change)(const Number&)) {
  add_function(functions, name, {number_parameter("num")},
               [change](Arguments arguments) -> Result<Value> {
                 return Value::number(change(arguments[0].as_number()));
               });
}

Result<Value> from_double(double value) {
  if (std::isnan(value)) return function_error("the result is not a number");
  return Value::number(Number(value));
}

// The least or the greatest of the arguments.
Result<Value> extreme(Arguments numbers, bool greatest) {
  if (numbers.empty()) return function_error("must pass at least one number");
  size_t best = 0;
  for (size_t i = 1; i < numbers.size(); ++i) {
    const auto order = numbers[i].as_number().compare(numbers[best].as_number());
    if (greatest ? order > 0 : order < 0) best = i;
  }
  return numbers[best];
}

Result<Value> parse_int(Arguments arguments) {
  if (!arguments[0].is(Type::Kind::String)) {
    return function_error("first argument must be a string, not {}",
                          arguments[0].type().friendly_name());
  }
  const int64_t base = TRY(whole_number(arguments[1]));
  if (base < 2 || base > 62) return function_error("base must be a whole number between 2 and 62");
  const std::string& text = arguments[0].text();
  std::optional<Number> number = Number::parse_integer(text, static_cast<int>(base));
  if (!number) return function_error("cannot parse {} as a base {} integer", go_quote(text), base);
  return Value::number(std::move(*number));
}

Result<Value> sign_of(Arguments arguments) {
  const int64_t number = TRY(whole_number(arguments[0]));
  return Value::number(int64_t{number > 0} - int64_t{number < 0});
}

}  // namespace

void add_number_functions(Functions& functions) {
  add_operator(functions, "add", Operator::Add);
  add_operator(functions, "subtract", Operator::Subtract);
  add_operator(functions, "multiply", Operator::Multiply);
  add_operator(functions, "divide", Operator::Divide);
  add_operator(functions, "modulo", Operator::Modulo);
  add_operator(functions, "greaterthan", Operator::Greater);
  add_operator(functions, "greaterthanorequalto", Operator::GreaterOrEqual);
  add_operator(functions, "lessthan", Operator::Less);
  add_operator(functions, "lessthanorequalto", Operator::LessOrEqual);
  add_operator(functions, "and", Operator::And);
  add_operator(functions, "or", Operator::Or);
  add_operator(functions, "equal", Operator::Equal);
  add_operator(functions, "notequal", Operator::NotEqual);
  add_function(functions, "not", {{"val", Type::boolean()}},
               [](Arguments arguments) { return apply(Operator::Not, arguments[0]); });
  add_unary(functions, "negate", [](const Number& number) { return number.negated(); });
  add_unary(functions, "absolute", [](const Number& number) { return number.absolute(); });
  add_unary(functions, "int", [](const Number& number) { return number.truncated(); });
  add_unary(functions, "ceil", [](const Number& number) { return number.ceil(); });
  add_unary(functions, "floor", [](const Number& number) { return number.floor(); });
  add_function(functions, "signum", {number_parameter("num")}, sign_of);
  add_function(functions, "log", {number_parameter("num"), number_parameter("base")},
               [](Arguments arguments) {
                 return from_double(std::log(arguments[0].as_number().to_double()) /
                                    std::log(arguments[1].as_number().to_double()));
               });
  add_function(functions, "pow", {number_parameter("num"), number_parameter("power")},
               [](Arguments arguments) {
                 return from_double(std::pow(arguments[0].as_number().to_double(),
                                             arguments[1].as_number().to_double()));
               });
  add_function(functions, "parseint", {any_parameter("number"), number_parameter("base")},
               parse_int);
  add_variadic(functions, "min", {}, number_parameter("numbers"),
               [](Arguments numbers) { return extreme(numbers, false); });
  add_variadic(functions, "max", {}, number_parameter("numbers"),
               [](Arguments numbers) { return extreme(numbers, true); });
}

}  // namespace slipway::hcl
