#include "frontend/hcl/convert.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/text.h"
#include "base/unicode.h"
#include "frontend/hcl/unify.h"

namespace slipway::hcl {
namespace {

using Kind = Type::Kind;

template <typename... Args>
Error invalid(fmt::format_string<Args...> format, Args&&... args) {
  return make_error(ErrorCode::InvalidInput, format, std::forward<Args>(args)...);
}

bool primitives_convertible(Kind from, Kind to, Safety safety) {
  if (to == Kind::String) return true;
  return from == Kind::String && safety == Safety::Unsafe;
}

bool all_convertible(const std::vector<Type>& from, const Type& to, Safety safety) {
  return std::all_of(from.begin(), from.end(), [&](const Type& each) {
    return each == to || is_convertible(each, to, safety);
  });
}

// The element type that a tuple or object gets as a collection: the one wanted, or the one that
// its parts have in common.
std::optional<Type> common_element(const Type& from, const Type& to, Safety safety) {
  if (!to.element().is_any()) return to.element();
  std::optional<Type> common = unify(from.parts(), safety);
  if (!common || !common->is_any() || to.is(Kind::Map)) return common;
  const bool all_any = std::all_of(from.parts().begin(), from.parts().end(),
                                   [](const Type& part) { return part.is_any(); });
  return all_any ? common : std::nullopt;
}

bool structure_convertible(const Type& from, const Type& to, Safety safety) {
  if (from.parts().empty()) return true;
  const std::optional<Type> element = common_element(from, to, safety);
  return element && all_convertible(from.parts(), *element, safety);
}

bool objects_convertible(const Type& from, const Type& to, Safety safety) {
  for (size_t i = 0; i < to.names().size(); ++i) {
    const Type* have = from.attribute(to.names()[i]);
    if (have == nullptr) {
      if (!to.is_optional(to.names()[i])) return false;
    } else if (*have != to.parts()[i] && !is_convertible(*have, to.parts()[i], safety)) {
      return false;
    }
  }
  return true;
}

bool map_to_object_convertible(const Type& from, const Type& to) {
  for (size_t i = 0; i < to.names().size(); ++i) {
    const bool fits = from.element() == to.parts()[i] || to.is_optional(to.names()[i]) ||
                      is_convertible(from.element(), to.parts()[i]);
    if (!fits) return false;
  }
  return true;
}

bool tuples_convertible(const Type& from, const Type& to, Safety safety) {
  if (from.parts().size() != to.parts().size()) return false;
  for (size_t i = 0; i < to.parts().size(); ++i) {
    if (from.parts()[i] == to.parts()[i]) continue;
    if (!is_convertible(from.parts()[i], to.parts()[i], safety)) return false;
  }
  return true;
}

bool elements_convertible(const Type& from, const Type& to, Safety safety) {
  return from.element() == to.element() || is_convertible(from.element(), to.element(), safety);
}

// ---- values

Result<Value> text_to_bool(const std::string& text) {
  if (text == "true" || text == "1") return Value::boolean(true);
  if (text == "false" || text == "0") return Value::boolean(false);
  for (const char* word : {"true", "false"}) {
    if (to_lower(text) == word) {
      return invalid("a bool is required; to convert from string, use lowercase \"{}\"", word);
    }
  }
  return invalid("a bool is required");
}

Result<Value> convert_primitive(const Value& value, Kind to) {
  switch (to) {
    case Kind::String:
      if (value.is(Kind::Number)) return Value::string(value.as_number().to_string());
      return Value::string(value.truth() ? "true" : "false");
    case Kind::Number: {
      std::optional<Number> number = Number::parse(value.text());
      if (!number) return invalid("a number is required");
      return Value::number(std::move(*number));
    }
    case Kind::Bool:
      return text_to_bool(value.text());
    case Kind::Any:
    case Kind::List:
    case Kind::Set:
    case Kind::Map:
    case Kind::Tuple:
    case Kind::Object:
      break;
  }
  return invalid("a primitive value is required");
}

std::vector<Type> types_of(const std::vector<Value>& values) {
  std::vector<Type> types;
  for (const Value& value : values) types.push_back(value.type());
  return types;
}

// All of one type, which they have or get: elements that were converted one by one to a type with
// "any" in it may differ still.
Result<std::vector<Value>> unified(std::vector<Value> values) {
  if (values.empty()) return values;
  const std::optional<Type> common = unify(types_of(values));
  if (!common) return invalid("cannot find a common base type for all elements");
  for (Value& value : values) {
    if (value.type() != *common) value = TRY(convert(value, *common));
  }
  return values;
}

Result<Value> convert_element(const Value& value, const Type& type) {
  if (value.type() == type) return value;
  return convert(value, type);
}

Type element_of(const std::vector<Value>& values, const Type& wanted, const Type& had) {
  if (!values.empty()) return values[0].type();
  return wanted.is_any() ? had : wanted.without_optional();
}

Result<Value> convert_to_sequence(const Value& value, const Type& type) {
  Type wanted = type.element();
  Type had = wanted;
  if (value.is(Kind::Tuple)) {
    if (!value.elements().empty()) {
      const std::optional<Type> common = common_element(value.type(), type, Safety::Unsafe);
      CHECK(common.has_value());
      wanted = *common;
    }
  } else {
    had = value.element_type();
  }
  std::vector<Value> elements;
  for (const Value& element : value.elements()) {
    elements.push_back(TRY(convert_element(element, wanted)));
  }
  elements = TRY(unified(std::move(elements)));
  const Type element = element_of(elements, wanted, had);
  return type.is(Kind::List) ? Value::list(element, std::move(elements))
                             : Value::set(element, std::move(elements));
}

Result<Value> convert_to_map(const Value& value, const Type& type) {
  Type wanted = type.element();
  Type had = wanted;
  if (value.is(Kind::Map)) {
    had = value.element_type();
  } else if (!value.entries().empty()) {
    const std::optional<Type> common = common_element(value.type(), type, Safety::Unsafe);
    CHECK(common.has_value());
    wanted = *common;
  }
  std::vector<Value> converted;
  for (const auto& [name, entry] : value.entries()) {
    converted.push_back(TRY(convert_element(entry, wanted)));
  }
  converted = TRY(unified(std::move(converted)));
  const Type element = element_of(converted, wanted, had);
  Value::Entries entries;
  size_t index = 0;
  for (const auto& [name, entry] : value.entries()) entries.emplace(name, converted[index++]);
  return Value::map(element, std::move(entries));
}

Result<Value> convert_to_object(const Value& value, const Type& type) {
  Value::Entries entries;
  for (size_t i = 0; i < type.names().size(); ++i) {
    const std::string& name = type.names()[i];
    const Type& wanted = type.parts()[i];
    const Value* entry = value.find(name);
    if (entry == nullptr) {
      if (!type.is_optional(name)) {
        return invalid("map has no element for required attribute {}", go_quote(name));
      }
      entries.emplace(name, Value::null(wanted.without_optional()));
      continue;
    }
    if (entry->type() != wanted && !is_convertible(entry->type(), wanted)) {
      return invalid("map element type is incompatible with attribute {}: {}", go_quote(name),
                     mismatch(entry->type(), wanted));
    }
    entries.emplace(name, TRY(convert_element(*entry, wanted)));
  }
  return Value::object(std::move(entries));
}

Result<Value> convert_to_tuple(const Value& value, const Type& type) {
  std::vector<Value> elements;
  for (size_t i = 0; i < type.parts().size(); ++i) {
    elements.push_back(TRY(convert_element(value.elements()[i], type.parts()[i])));
  }
  return Value::tuple(std::move(elements));
}

// The type that a null gets: as wanted, "any" replaced by what the null was.
Type null_type(const Type& had, const Type& wanted) {
  return wanted.is_any() ? had : wanted.without_optional();
}

}  // namespace

bool is_convertible(const Type& from, const Type& to, Safety safety) {
  if (to.is_any()) return true;
  if (from.is_any()) return safety == Safety::Unsafe;
  if (from.is_primitive() && to.is_primitive()) {
    return from.kind() == to.kind() || primitives_convertible(from.kind(), to.kind(), safety);
  }
  switch (to.kind()) {
    case Kind::Object:
      if (from.is(Kind::Map))
        return safety == Safety::Unsafe && map_to_object_convertible(from, to);
      return from.is(Kind::Object) && objects_convertible(from, to, safety);
    case Kind::Tuple:
      return from.is(Kind::Tuple) && tuples_convertible(from, to, safety);
    case Kind::List:
      if (from.is(Kind::Tuple)) return structure_convertible(from, to, safety);
      return (from.is(Kind::List) || from.is(Kind::Set)) && elements_convertible(from, to, safety);
    case Kind::Set:
      if (from.is(Kind::Tuple)) return structure_convertible(from, to, safety);
      if (from.is(Kind::List) && safety == Safety::Safe) return false;
      return (from.is(Kind::List) || from.is(Kind::Set)) && elements_convertible(from, to, safety);
    case Kind::Map:
      if (from.is(Kind::Object)) return structure_convertible(from, to, safety);
      return from.is(Kind::Map) && elements_convertible(from, to, safety);
    case Kind::Any:
    case Kind::String:
    case Kind::Number:
    case Kind::Bool:
      return false;
  }
  return false;
}

Result<Value> convert(const Value& value, const Type& type) {
  if (type.is_any()) return value;
  const Type have = value.type();
  if (have == type.without_optional()) return value;
  if (!is_convertible(have, type)) return invalid("{}", mismatch(have, type));
  if (value.is_null()) return Value::null(null_type(have, type));
  switch (type.kind()) {
    case Kind::String:
    case Kind::Number:
    case Kind::Bool:
      return convert_primitive(value, type.kind());
    case Kind::List:
    case Kind::Set:
      return convert_to_sequence(value, type);
    case Kind::Map:
      return convert_to_map(value, type);
    case Kind::Tuple:
      return convert_to_tuple(value, type);
    case Kind::Object:
      return convert_to_object(value, type);
    case Kind::Any:
      break;
  }
  return value;
}

}  // namespace slipway::hcl
