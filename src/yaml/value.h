// Value: a YAML document (or JSON, which is YAML) with positions, read once and then merged and
// interpolated freely.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/result.h"

namespace slipway::yaml {

struct Value {
  enum class Kind { Null, Scalar, List, Map };
  // What the tags !reset and !override of compose ask for when files merge.
  enum class Merge { Normal, Reset, Override };

  struct Member;

  // Out of line, because Member is complete only below.
  Value();
  Value(const Value&);
  Value(Value&&) noexcept;
  Value& operator=(const Value&);
  Value& operator=(Value&&) noexcept;
  ~Value();

  Kind kind = Kind::Null;
  Merge merge = Merge::Normal;
  std::string text;     // of a scalar
  bool quoted = false;  // a scalar that is a string whatever it looks like
  std::vector<Value> items;
  std::vector<Member> members;
  SourceSpan span;

  bool is_null() const { return kind == Kind::Null; }
  bool is_scalar() const { return kind == Kind::Scalar; }
  bool is_list() const { return kind == Kind::List; }
  bool is_map() const { return kind == Kind::Map; }

  // The member of that name, or nullptr.
  const Value* find(std::string_view name) const;
  Value* find(std::string_view name);
  void set(std::string name, Value value);

  // Equal content; positions do not count.
  bool operator==(const Value& other) const;
};

struct Value::Member {
  std::string first;
  Value second;
  bool operator==(const Member&) const = default;
};

Value scalar(std::string text, SourceSpan span);

// The documents of a YAML text. Merge keys ("<<") are resolved. A mapping that names a key twice is
// an error, as is nesting or aliasing without end.
Result<std::vector<Value>> parse_yaml(std::string_view text, const std::string& file);

// A scalar as a reader that wants a string gets it: numbers are read and printed ("1_000" is
// "1000", "3.10" is "3.1"), everything else stays.
std::string scalar_text(const Value& value);

}  // namespace slipway::yaml
