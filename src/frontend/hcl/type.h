// Type: what an HCL value may be. The model is cty's: three primitive types, collections of one
// element type (list, set, map), and structures with a type for every part (tuple, object).
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::hcl {

class Type {
 public:
  enum class Kind {
    Any,  // of an untyped null, and in constraints
    String,
    Number,
    Bool,
    List,
    Set,
    Map,
    Tuple,
    Object,
  };

  Type() = default;
  static Type any() { return Type(); }
  static Type string() { return Type(Kind::String); }
  static Type number() { return Type(Kind::Number); }
  static Type boolean() { return Type(Kind::Bool); }
  static Type list(Type element);
  static Type set(Type element);
  static Type map(Type element);
  static Type tuple(std::vector<Type> elements);
  // Attributes named in `optional` may be missing from what is converted to this type.
  static Type object(const std::map<std::string, Type>& attributes,
                     std::set<std::string> optional = {});

  Kind kind() const { return kind_; }
  bool is(Kind kind) const { return kind_ == kind; }
  bool is_any() const { return kind_ == Kind::Any; }
  bool is_primitive() const;
  bool is_collection() const;  // list, set or map
  bool contains_any() const;

  const Type& element() const;                               // of a collection
  const std::vector<Type>& parts() const { return parts_; }  // of a tuple or object, in order
  // Attributes of an object, sorted; parts() has their types.
  const std::vector<std::string>& names() const { return names_; }
  const Type* attribute(std::string_view name) const;
  bool is_optional(const std::string& name) const { return optional_.contains(name); }
  const std::set<std::string>& optional() const { return optional_; }

  // The same type, nothing in it optional.
  Type without_optional() const;

  // "list of string", "object", for messages.
  std::string friendly_name() const;
  // The same for a type that something must have: "any type", "list of any single type".
  std::string friendly_constraint() const;

  bool operator==(const Type&) const = default;

 private:
  explicit Type(Kind kind) : kind_(kind) {}
  std::string name(bool constraint) const;

  Kind kind_ = Kind::Any;
  std::vector<Type> parts_;
  std::vector<std::string> names_;
  std::set<std::string> optional_;
};

}  // namespace slipway::hcl
