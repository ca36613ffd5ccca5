#include "frontend/bake/variable_input.h"

#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <utility>
#include <vector>

#include "base/text.h"
#include "base/unicode.h"
#include "base/values.h"

namespace slipway::bake {
namespace {

using hcl::Type;
using hcl::Value;
using Kind = hcl::Type::Kind;

// A double, as Go's ParseFloat reads it; finite.
std::optional<double> to_double(std::string_view text) {
  if (text.empty() || is_unicode_space(decode_character(text).code_point)) return std::nullopt;
  const std::string copy(text);
  char* end = nullptr;
  const double value = std::strtod(copy.c_str(), &end);
  if (end != copy.c_str() + copy.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

Result<std::vector<Value>> elements_of(const std::string& variable,
                                       const std::vector<std::string>& fields, const Type& type) {
  std::vector<Value> elements;
  for (size_t i = 0; i < fields.size(); ++i) {
    const Type& element = type.is(Kind::Tuple) ? type.parts()[i] : type.element();
    elements.push_back(TRY(primitive_from_text(variable, fields[i], element)));
  }
  return elements;
}

Result<Value> map_from(const std::string& variable, const std::vector<std::string>& fields,
                       const Type& type) {
  Value::Entries entries;
  for (const std::string& field : fields) {
    const std::vector<std::string> pair = split(field, ':');
    if (pair.size() != 2) {
      return invalid_input("variable {}: {} is not of the form KEY:VALUE", variable,
                           go_quote(field));
    }
    entries.insert_or_assign(pair[0], TRY(primitive_from_text(variable, pair[1], type.element())));
  }
  return Value::map(type.element(), std::move(entries));
}

bool holds_primitives(const Type& type) {
  for (const Type& part : type.parts()) {
    if (!part.is_primitive()) return false;
  }
  return true;
}

}  // namespace

Result<Value> primitive_from_text(const std::string& variable, std::string_view text,
                                  const Type& type) {
  if (type.is(Kind::String)) return Value::string(text);
  if (type.is(Kind::Bool)) {
    return Value::boolean(TRY(parse_bool(text).context("read variable " + variable + " as bool")));
  }
  const std::optional<double> number = to_double(text);
  if (!number)
    return invalid_input("read variable {} as number: invalid syntax: {}", variable,
                         go_quote(text));
  return Value::number(hcl::Number(*number));
}

bool is_read_as_csv(const Type& type) {
  return type.is_collection() || type.is(Kind::Tuple);
}

Result<Value> value_from_csv(const std::string& variable, std::string_view text, const Type& type) {
  const std::vector<std::string> fields =
      TRY(parse_csv_line(text).context("read variable " + variable + " as CSV"));
  if (type.is(Kind::Tuple) && type.parts().size() != fields.size()) {
    return invalid_input("variable {}: {} elements are required, not {}", variable,
                         type.parts().size(), fields.size());
  }
  if (!holds_primitives(type)) {
    return invalid_input("variable {}: a {} cannot be written as CSV; set {}_JSON", variable,
                         type.friendly_name(), variable);
  }
  if (type.is(Kind::Map)) return map_from(variable, fields, type);
  std::vector<Value> elements = TRY(elements_of(variable, fields, type));
  if (type.is(Kind::Tuple)) return Value::tuple(std::move(elements));
  return type.is(Kind::List) ? Value::list(type.element(), std::move(elements))
                             : Value::set(type.element(), std::move(elements));
}

}  // namespace slipway::bake
