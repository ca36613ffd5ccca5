#include "frontend/hcl/operators.h"

#include <utility>

namespace slipway::hcl {
namespace {

Error invalid(std::string_view message) {
  return Error(ErrorCode::InvalidInput, std::string(message));
}

Result<Value> number_or(std::optional<Number> number, std::string_view message) {
  if (!number) return invalid(message);
  return Value::number(std::move(*number));
}

Result<Value> calculate(Operator op, const Number& left, const Number& right) {
  switch (op) {
    case Operator::Add:
      return number_or(add(left, right), "can't compute sum of opposing infinities");
    case Operator::Subtract:
      return number_or(subtract(left, right), "can't subtract infinity from itself");
    case Operator::Multiply:
      return number_or(multiply(left, right), "can't multiply zero by infinity");
    case Operator::Divide:
      return number_or(divide(left, right), "can't divide zero by zero or infinity by infinity");
    case Operator::Modulo:
      return number_or(modulo(left, right), "can't use modulo with zero and infinity");
    case Operator::Greater:
      return Value::boolean(left.compare(right) > 0);
    case Operator::GreaterOrEqual:
      return Value::boolean(left.compare(right) >= 0);
    case Operator::Less:
      return Value::boolean(left.compare(right) < 0);
    case Operator::LessOrEqual:
      return Value::boolean(left.compare(right) <= 0);
    case Operator::Or:
    case Operator::And:
    case Operator::Equal:
    case Operator::NotEqual:
    case Operator::Negate:
    case Operator::Not:
      break;
  }
  return invalid("not an operator of two numbers");
}

}  // namespace

Type operand_type(Operator op) {
  switch (op) {
    case Operator::Or:
    case Operator::And:
    case Operator::Not:
      return Type::boolean();
    case Operator::Equal:
    case Operator::NotEqual:
      return Type::any();
    case Operator::Greater:
    case Operator::GreaterOrEqual:
    case Operator::Less:
    case Operator::LessOrEqual:
    case Operator::Add:
    case Operator::Subtract:
    case Operator::Multiply:
    case Operator::Divide:
    case Operator::Modulo:
    case Operator::Negate:
      break;
  }
  return Type::number();
}

Type result_type(Operator op) {
  switch (op) {
    case Operator::Add:
    case Operator::Subtract:
    case Operator::Multiply:
    case Operator::Divide:
    case Operator::Modulo:
    case Operator::Negate:
      return Type::number();
    case Operator::Or:
    case Operator::And:
    case Operator::Not:
    case Operator::Equal:
    case Operator::NotEqual:
    case Operator::Greater:
    case Operator::GreaterOrEqual:
    case Operator::Less:
    case Operator::LessOrEqual:
      break;
  }
  return Type::boolean();
}

bool are_equal(const Value& left, const Value& right) {
  return left == right;
}

Result<Value> apply(Operator op, const Value& left, const Value& right) {
  if (op == Operator::Equal) return Value::boolean(are_equal(left, right));
  if (op == Operator::NotEqual) return Value::boolean(!are_equal(left, right));
  if (left.is_null() || right.is_null()) return invalid("an operand is null");
  if (op == Operator::Or) return Value::boolean(left.truth() || right.truth());
  if (op == Operator::And) return Value::boolean(left.truth() && right.truth());
  return calculate(op, left.as_number(), right.as_number());
}

Result<Value> apply(Operator op, const Value& operand) {
  if (operand.is_null()) return invalid("the operand is null");
  if (op == Operator::Not) return Value::boolean(!operand.truth());
  return Value::number(operand.as_number().negated());
}

}  // namespace slipway::hcl
