#include "frontend/hcl/type_expression.h"

#include <map>
#include <set>
#include <string>
#include <utility>

#include "base/unicode.h"
#include "base/values.h"

namespace slipway::hcl {
namespace {

const std::vector<std::string> kTypes = {"string", "number", "bool",  "any",   "list",
                                         "set",    "map",    "tuple", "object"};

bool takes_argument(std::string_view name) {
  return name == "list" || name == "set" || name == "map" || name == "tuple" || name == "object";
}

Result<Type> of_keyword(const std::string& name, const Expression& expression) {
  if (name == "string") return Type::string();
  if (name == "number") return Type::number();
  if (name == "bool") return Type::boolean();
  if (name == "any") return Type::any();
  if (takes_argument(name)) {
    return error_at(expression.range, "the type {} says what it holds, as in list(string)", name);
  }
  return error_at(expression.range, "{} is no type{}", go_quote(name), did_you_mean(name, kTypes));
}

Result<Type> object_type(const Expression& expression) {
  const auto items = as_object(expression);
  if (!items)
    return error_at(expression.range, "object() needs attributes: object({{name = TYPE}})");
  std::map<std::string, Type> attributes;
  std::set<std::string> optional;
  for (const StaticItem& item : *items) {
    const auto name = item.key_in_parentheses ? std::nullopt : as_keyword(*item.key);
    if (!name) return error_at(item.key->range, "the name of an attribute is a bare word");
    const Expression* type = item.value;
    const FunctionCall* call = as_call(*type);
    if (call != nullptr && call->name == "optional") {
      if (call->arguments.size() != 1) {
        return error_at(type->range, "optional() takes one argument, the attribute's type");
      }
      optional.insert(*name);
      type = call->arguments[0].get();
    }
    if (!attributes.emplace(*name, TRY(type_constraint(*type))).second) {
      return error_at(item.key->range, "the attribute {} is there already", go_quote(*name));
    }
  }
  return Type::object(attributes, std::move(optional));
}

Result<Type> tuple_type(const Expression& expression) {
  const auto items = as_list(expression);
  if (!items)
    return error_at(expression.range, "tuple() needs a list of types: tuple([TYPE, ...])");
  std::vector<Type> elements;
  for (const Expression* item : *items) elements.push_back(TRY(type_constraint(*item)));
  return Type::tuple(std::move(elements));
}

}  // namespace

Result<Type> type_constraint(const Expression& expression) {
  if (const auto name = as_keyword(expression)) return of_keyword(*name, expression);
  const FunctionCall* call = as_call(expression);
  if (call == nullptr) {
    return error_at(expression.range, "a type is expected here, as string or list(string)");
  }
  if (call->name == "optional") {
    return error_at(call->name_range, "only attributes of an object can be optional");
  }
  if (!takes_argument(call->name)) {
    return error_at(call->name_range, "{} is no type that takes an argument{}",
                    go_quote(call->name), did_you_mean(call->name, kTypes));
  }
  if (call->arguments.size() != 1) {
    return error_at(expression.range, "the type {} takes one argument", call->name);
  }
  const Expression& argument = *call->arguments[0];
  if (call->name == "object") return object_type(argument);
  if (call->name == "tuple") return tuple_type(argument);
  Type element = TRY(type_constraint(argument));
  if (call->name == "list") return Type::list(std::move(element));
  if (call->name == "set") return Type::set(std::move(element));
  return Type::map(std::move(element));
}

}  // namespace slipway::hcl
