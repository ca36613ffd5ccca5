// Maps and objects.
#include <utility>

#include "base/unicode.h"
#include "frontend/hcl/convert.h"
#include "frontend/hcl/function_groups.h"

namespace slipway::hcl {
namespace {

using Kind = Type::Kind;

// Of a map a list, of an object a tuple.
Value sequence_for(const Value& mapping, const Type& element, std::vector<Value> values) {
  if (mapping.is(Kind::Object)) return Value::tuple(std::move(values));
  return Value::list(element, std::move(values));
}

Result<Value> keys(Arguments arguments) {
  if (!arguments[0].is_mapping()) return function_error("must have map or object type");
  std::vector<Value> names;
  for (const auto& [name, value] : arguments[0].entries()) names.push_back(Value::string(name));
  return sequence_for(arguments[0], Type::string(), std::move(names));
}

Result<Value> values(Arguments arguments) {
  if (!arguments[0].is_mapping())
    return function_error("values() requires a map as the first argument");
  std::vector<Value> all;
  for (const auto& [name, value] : arguments[0].entries()) all.push_back(value);
  const bool is_map = arguments[0].is(Kind::Map);
  return sequence_for(arguments[0], is_map ? arguments[0].element_type() : Type::any(),
                      std::move(all));
}

Result<Value> lookup(Arguments arguments) {
  const Value& mapping = arguments[0];
  if (!mapping.is_mapping()) return function_error("lookup() requires a map as the first argument");
  const Value* found = mapping.find(arguments[1].text());
  if (mapping.is(Kind::Object)) return found != nullptr ? *found : arguments[2];
  Result<Value> fallback = convert(arguments[2], mapping.element_type());
  if (!fallback) {
    return function_error("the default value must have the same type as the map elements");
  }
  return found != nullptr ? Result<Value>(*found) : std::move(fallback);
}

// Maps of one type as a map, everything else as an object.
Result<Value> merge(Arguments arguments) {
  Value::Entries all;
  bool same_type = true;
  bool has_any = false;
  for (const Value& mapping : arguments) {
    has_any |= mapping.type().is_any();
    if (!mapping.is_mapping() && !mapping.type().is_any()) {
      return function_error("arguments must be maps or objects, got {}",
                            mapping.type().friendly_name());
    }
    same_type &= mapping.type() == arguments[0].type();
    if (mapping.is_null()) continue;
    for (const auto& [name, value] : mapping.entries()) all.insert_or_assign(name, value);
  }
  const bool is_map = !arguments.empty() && !has_any && same_type && arguments[0].is(Kind::Map);
  if (is_map) return Value::map(arguments[0].element_type(), std::move(all));
  return Value::object(std::move(all));
}

Result<Value> zip_map(Arguments arguments) {
  const std::vector<Value>& names = arguments[0].elements();
  const Value& given = arguments[1];
  if (!given.is(Kind::List) && !given.is(Kind::Tuple)) {
    return function_error("values argument must be a list or tuple value");
  }
  if (names.size() != given.length()) {
    return function_error("number of keys ({}) does not match number of values ({})", names.size(),
                          given.length());
  }
  Value::Entries entries;
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i].is_null()) return function_error("keys list has null value at index {}", i);
    entries.insert_or_assign(names[i].text(), given.elements()[i]);
  }
  if (given.is(Kind::Tuple)) return Value::object(std::move(entries));
  return Value::map(given.element_type(), std::move(entries));
}

}  // namespace

void add_map_functions(Functions& functions) {
  add_function(functions, "keys", {any_parameter("inputMap")}, keys);
  add_function(functions, "values", {any_parameter("mapping")}, values);
  add_function(functions, "lookup",
               {any_parameter("inputMap"), text_parameter("key"), any_parameter("default")},
               lookup);
  add_variadic(functions, "merge", {}, {"maps", Type::any(), true}, merge);
  add_function(functions, "zipmap", {{"keys", Type::list(Type::string())}, any_parameter("values")},
               zip_map);
}

}  // namespace slipway::hcl
