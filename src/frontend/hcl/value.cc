#include "frontend/hcl/value.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/check.h"
#include "frontend/hcl/value_json.h"

namespace slipway::hcl {
namespace {

std::string composed(std::string_view text) {
  const bool ascii = std::all_of(text.begin(), text.end(),
                                 [](char c) { return static_cast<signed char>(c) >= 0; });
  if (ascii) return std::string(text);
  utf8proc_uint8_t* result = nullptr;
  const utf8proc_ssize_t size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                   static_cast<utf8proc_ssize_t>(text.size()), &result,
                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  if (size < 0) return std::string(text);  // not UTF-8: stays as it is
  std::string normal(reinterpret_cast<char*>(result), static_cast<size_t>(size));
  std::free(result);
  return normal;
}

}  // namespace

Value Value::null(Type type) {
  const Type::Kind kind = type.kind();
  return {kind, NullOf{std::make_shared<const Type>(std::move(type))}};
}

Value Value::string(std::string_view text) {
  return {Type::Kind::String, std::make_shared<const std::string>(composed(text))};
}

Value Value::number(Number number) {
  return {Type::Kind::Number, std::make_shared<const Number>(std::move(number))};
}

Value Value::boolean(bool truth) {
  return {Type::Kind::Bool, truth};
}

Value Value::list(const Type& element, std::vector<Value> elements) {
  return {Type::Kind::List,
          Elements{std::make_shared<const Type>(element),
                   std::make_shared<const std::vector<Value>>(std::move(elements))}};
}

Value Value::set(const Type& element, std::vector<Value> elements) {
  std::stable_sort(elements.begin(), elements.end(), set_order);
  elements.erase(std::unique(elements.begin(), elements.end()), elements.end());
  return {Type::Kind::Set,
          Elements{std::make_shared<const Type>(element),
                   std::make_shared<const std::vector<Value>>(std::move(elements))}};
}

Value Value::map(const Type& element, Entries entries) {
  return {Type::Kind::Map, Mapping{std::make_shared<const Type>(element),
                                   std::make_shared<const Entries>(std::move(entries))}};
}

Value Value::tuple(std::vector<Value> elements) {
  return {Type::Kind::Tuple,
          Elements{nullptr, std::make_shared<const std::vector<Value>>(std::move(elements))}};
}

Value Value::object(Entries entries) {
  return {Type::Kind::Object,
          Mapping{nullptr, std::make_shared<const Entries>(std::move(entries))}};
}

Type Value::type() const {
  if (const auto* null = std::get_if<NullOf>(&content_)) {
    return null->type == nullptr ? Type::any() : *null->type;
  }
  switch (kind_) {
    case Type::Kind::Any:
      return Type::any();
    case Type::Kind::String:
      return Type::string();
    case Type::Kind::Number:
      return Type::number();
    case Type::Kind::Bool:
      return Type::boolean();
    case Type::Kind::List:
      return Type::list(element_type());
    case Type::Kind::Set:
      return Type::set(element_type());
    case Type::Kind::Map:
      return Type::map(element_type());
    case Type::Kind::Tuple: {
      std::vector<Type> types;
      for (const Value& element : elements()) types.push_back(element.type());
      return Type::tuple(std::move(types));
    }
    case Type::Kind::Object: {
      std::map<std::string, Type> types;
      for (const auto& [name, value] : entries()) types.emplace(name, value.type());
      return Type::object(types);
    }
  }
  return Type::any();
}

bool Value::is_sequence() const {
  return kind_ == Type::Kind::List || kind_ == Type::Kind::Set || kind_ == Type::Kind::Tuple;
}

bool Value::is_mapping() const {
  return kind_ == Type::Kind::Map || kind_ == Type::Kind::Object;
}

const std::string& Value::text() const {
  CHECK(kind_ == Type::Kind::String && !is_null());
  return *std::get<std::shared_ptr<const std::string>>(content_);
}

const Number& Value::as_number() const {
  CHECK(kind_ == Type::Kind::Number && !is_null());
  return *std::get<std::shared_ptr<const Number>>(content_);
}

bool Value::truth() const {
  CHECK(kind_ == Type::Kind::Bool && !is_null());
  return std::get<bool>(content_);
}

const std::vector<Value>& Value::elements() const {
  CHECK(is_sequence() && !is_null());
  return *std::get<Elements>(content_).values;
}

const Value::Entries& Value::entries() const {
  CHECK(is_mapping() && !is_null());
  return *std::get<Mapping>(content_).entries;
}

Type Value::element_type() const {
  if (is_null()) return type().element();
  return kind_ == Type::Kind::Map ? *std::get<Mapping>(content_).element
                                  : *std::get<Elements>(content_).element;
}

size_t Value::length() const {
  return is_mapping() ? entries().size() : elements().size();
}

const Value* Value::find(std::string_view name) const {
  const auto found = entries().find(name);
  return found == entries().end() ? nullptr : &found->second;
}

bool Value::operator==(const Value& other) const {
  if (is_null() || other.is_null()) return is_null() && other.is_null();
  if (kind_ != other.kind_) return false;
  switch (kind_) {
    case Type::Kind::Any:
      return true;
    case Type::Kind::String:
      return text() == other.text();
    case Type::Kind::Number:
      return as_number() == other.as_number();
    case Type::Kind::Bool:
      return truth() == other.truth();
    case Type::Kind::List:
    case Type::Kind::Set:
      return element_type() == other.element_type() && elements() == other.elements();
    case Type::Kind::Map:
      return element_type() == other.element_type() && entries() == other.entries();
    case Type::Kind::Tuple:
      return elements() == other.elements();
    case Type::Kind::Object:
      return entries() == other.entries();
  }
  return false;
}

bool set_order(const Value& a, const Value& b) {
  if (a.is_null() || b.is_null()) return !a.is_null();
  switch (a.kind()) {
    case Type::Kind::String:
      return a.text() < b.text();
    case Type::Kind::Number:
      return a.as_number().compare(b.as_number()) < 0;
    case Type::Kind::Bool:
      return !a.truth() && b.truth();
    case Type::Kind::Any:
    case Type::Kind::List:
    case Type::Kind::Set:
    case Type::Kind::Map:
    case Type::Kind::Tuple:
    case Type::Kind::Object:
      return to_json(a) < to_json(b);
  }
  return false;
}

}  // namespace slipway::hcl
