// Value: an immutable HCL value of some Type. Copies are cheap.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "frontend/hcl/number.h"
#include "frontend/hcl/type.h"

namespace slipway::hcl {

class Value {
 public:
  using Entries = std::map<std::string, Value, std::less<>>;

  Value() = default;  // the null that has no type
  static Value null(Type type = Type::any());
  // Kept in Unicode's composed form, so that equal texts are equal bytes.
  static Value string(std::string_view text);
  static Value number(Number number);
  static Value number(int64_t number) { return Value::number(Number(number)); }
  static Value boolean(bool truth);
  // All elements must be of the element type.
  static Value list(const Type& element, std::vector<Value> elements);
  static Value set(const Type& element,
                   std::vector<Value> elements);  // sorted, repetitions removed
  static Value map(const Type& element, Entries entries);
  static Value tuple(std::vector<Value> elements);
  static Value object(Entries entries);

  Type type() const;
  Type::Kind kind() const { return kind_; }
  bool is(Type::Kind kind) const { return kind_ == kind; }
  bool is_null() const { return std::holds_alternative<NullOf>(content_); }
  bool is_sequence() const;  // of the type list, set or tuple
  bool is_mapping() const;   // of the type map or object

  // Of a value that is not null and of that kind.
  const std::string& text() const;
  const Number& as_number() const;
  bool truth() const;
  const std::vector<Value>& elements() const;  // of a list, set or tuple
  const Entries& entries() const;              // of a map or object
  Type element_type() const;                   // of a list, set or map

  size_t length() const;                           // of anything with elements or entries
  const Value* find(std::string_view name) const;  // the entry of that name, or nullptr

  // Same type and same content.
  bool operator==(const Value& other) const;

 private:
  // Elements are shared by all copies of a value; nobody changes them.
  struct NullOf {
    std::shared_ptr<const Type> type;
  };
  struct Elements {
    std::shared_ptr<const Type> element;  // of a list or set
    std::shared_ptr<const std::vector<Value>> values;
  };
  struct Mapping {
    std::shared_ptr<const Type> element;  // of a map
    std::shared_ptr<const Entries> entries;
  };
  using Content = std::variant<NullOf, std::shared_ptr<const std::string>,
                               std::shared_ptr<const Number>, bool, Elements, Mapping>;
  Value(Type::Kind kind, Content content) : kind_(kind), content_(std::move(content)) {}

  Type::Kind kind_ = Type::Kind::Any;
  Content content_;
};

// The order of a set's elements: nulls last, texts by bytes, numbers by size, others by what they
// print.
bool set_order(const Value& a, const Value& b);

}  // namespace slipway::hcl
