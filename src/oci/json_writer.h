// JsonWriter: JSON as Go's encoding/json prints it, so that what we write has the digests that
// BuildKit's has: compact or indented, with <, >, & and the JavaScript line ends escaped.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace slipway {

class JsonWriter {
 public:
  // `indent` spaces per level as json.MarshalIndent does; 0 is json.Marshal: one line.
  explicit JsonWriter(int indent = 0) : indent_(indent) {}

  // Values. Inside an object each must follow key().
  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& begin_array();
  JsonWriter& end_array();
  JsonWriter& string(std::string_view text);
  JsonWriter& number(int64_t value);
  JsonWriter& boolean(bool value);
  JsonWriter& null();
  JsonWriter& strings(const std::vector<std::string>& values);
  JsonWriter& map(const std::map<std::string, std::string>& values);
  // A value that is JSON text already (valid): laid out as the rest, escapes are added.
  JsonWriter& raw(std::string_view json);

  JsonWriter& key(std::string_view name);

  // Members with Go's `omitempty`: nothing is written for an empty value.
  JsonWriter& optional(std::string_view name, std::string_view text);
  JsonWriter& optional(std::string_view name, int64_t value);
  JsonWriter& optional(std::string_view name, const std::vector<std::string>& values);
  JsonWriter& optional(std::string_view name, const std::map<std::string, std::string>& values);

  // The text so far; taken at the end.
  std::string take() { return std::move(text_); }

 private:
  void before_value();
  void new_line();
  void close(char bracket);
  void raw_structure(char c, bool& opened);

  std::string text_;
  int indent_;
  int depth_ = 0;
  bool first_ = true;  // of the innermost object or array
  bool after_key_ = false;
};

}  // namespace slipway
