#include "frontend/hcl/type.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace slipway::hcl {

Type Type::list(Type element) {
  Type type(Kind::List);
  type.parts_.push_back(std::move(element));
  return type;
}

Type Type::set(Type element) {
  Type type(Kind::Set);
  type.parts_.push_back(std::move(element));
  return type;
}

Type Type::map(Type element) {
  Type type(Kind::Map);
  type.parts_.push_back(std::move(element));
  return type;
}

Type Type::tuple(std::vector<Type> elements) {
  Type type(Kind::Tuple);
  type.parts_ = std::move(elements);
  return type;
}

Type Type::object(const std::map<std::string, Type>& attributes, std::set<std::string> optional) {
  Type type(Kind::Object);
  for (const auto& [name, attribute] : attributes) {
    type.names_.push_back(name);
    type.parts_.push_back(attribute);
  }
  type.optional_ = std::move(optional);
  return type;
}

bool Type::is_primitive() const {
  return kind_ == Kind::String || kind_ == Kind::Number || kind_ == Kind::Bool;
}

bool Type::is_collection() const {
  return kind_ == Kind::List || kind_ == Kind::Set || kind_ == Kind::Map;
}

bool Type::contains_any() const {
  return is_any() || std::any_of(parts_.begin(), parts_.end(),
                                 [](const Type& part) { return part.contains_any(); });
}

const Type& Type::element() const {
  CHECK(is_collection());
  return parts_[0];
}

const Type* Type::attribute(std::string_view name) const {
  const auto found = std::lower_bound(names_.begin(), names_.end(), name);
  if (found == names_.end() || *found != name) return nullptr;
  return &parts_[static_cast<size_t>(found - names_.begin())];
}

Type Type::without_optional() const {
  Type type = *this;
  type.optional_.clear();
  for (Type& part : type.parts_) part = part.without_optional();
  return type;
}

std::string Type::name(bool constraint) const {
  const auto element_name = [&] {
    if (constraint && element().is_any()) return std::string("any single type");
    return element().name(constraint);
  };
  switch (kind_) {
    case Kind::Any:
      return constraint ? "any type" : "dynamic";
    case Kind::String:
      return "string";
    case Kind::Number:
      return "number";
    case Kind::Bool:
      return "bool";
    case Kind::List:
      return "list of " + element_name();
    case Kind::Set:
      return "set of " + element_name();
    case Kind::Map:
      return "map of " + element_name();
    case Kind::Tuple:
      return "tuple";
    case Kind::Object:
      return "object";
  }
  return "";
}

std::string Type::friendly_name() const {
  return name(false);
}

std::string Type::friendly_constraint() const {
  return name(true);
}

}  // namespace slipway::hcl
