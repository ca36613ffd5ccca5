// Base64, URLs, JSON and CSV.
#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/base64.h"
#include "base/unicode.h"
#include "frontend/hcl/function_groups.h"
#include "frontend/hcl/value_json.h"

namespace slipway::hcl {
namespace {

Result<Value> base64_decode(Arguments arguments) {
  std::string text = arguments[0].text();
  std::erase_if(text, [](char c) { return c == '\r' || c == '\n'; });
  const std::optional<std::string> decoded = decode_base64(text);
  if (!decoded) return function_error("failed to decode base64 data '{}'", text);
  if (!is_utf8(*decoded)) return function_error("the decoded data is not valid UTF-8");
  return Value::string(*decoded);
}

// As the query of a URL: a space is "+".
Result<Value> url_encode(Arguments arguments) {
  std::string encoded;
  for (const char c : arguments[0].text()) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       std::string_view("-_.~").contains(c);
    if (c == ' ') {
      encoded += '+';
    } else if (plain) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return Value::string(encoded);
}

// RFC 4180, as Go's reader takes it: empty lines are left out, quotes stand at the ends of a field.
class CsvReader {
 public:
  explicit CsvReader(std::string_view text) : rest_(text) {}

  // The fields of the next record; nothing at the end.
  Result<std::optional<std::vector<std::string>>> record() {
    while (rest_.starts_with('\n') || rest_.starts_with("\r\n")) next_line();
    std::optional<std::vector<std::string>> fields;
    if (rest_.empty()) return fields;
    fields.emplace();
    for (;;) {
      fields->push_back(TRY(rest_.starts_with('"') ? quoted() : plain()));
      if (rest_.starts_with(',')) {
        rest_.remove_prefix(1);
        continue;
      }
      next_line();
      return fields;
    }
  }

 private:
  Error error(std::string_view message) const {
    return function_error("CSV parse error on line {}: {}", line_, message);
  }

  void next_line() {
    if (rest_.starts_with("\r\n")) rest_.remove_prefix(1);
    if (rest_.starts_with('\n')) rest_.remove_prefix(1);
    ++line_;
  }

  bool at_end_of_field() const {
    return rest_.empty() || rest_[0] == ',' || rest_[0] == '\n' || rest_.starts_with("\r\n");
  }

  Result<std::string> plain() {
    std::string field;
    while (!at_end_of_field()) {
      if (rest_[0] == '"') return error("bare \" in non-quoted field");
      field += rest_[0];
      rest_.remove_prefix(1);
    }
    if (rest_.empty() && field.ends_with('\r')) field.pop_back();
    return field;
  }

  Result<std::string> quoted() {
    std::string field;
    rest_.remove_prefix(1);
    for (;;) {
      if (rest_.empty()) return error("extraneous or missing \" in quoted-field");
      if (rest_.starts_with("\"\"")) {
        field += '"';
        rest_.remove_prefix(2);
        continue;
      }
      if (rest_[0] == '"') {
        rest_.remove_prefix(1);
        if (rest_ == "\r") rest_.remove_prefix(1);
        if (!at_end_of_field()) return error("extraneous or missing \" in quoted-field");
        return field;
      }
      if (rest_.starts_with("\r\n")) rest_.remove_prefix(1);
      if (rest_[0] == '\n') ++line_;
      field += rest_[0];
      rest_.remove_prefix(1);
    }
  }

  std::string_view rest_;
  int line_ = 1;
};

Result<Value> csv_decode(Arguments arguments) {
  CsvReader reader(arguments[0].text());
  const auto names = TRY(reader.record());
  if (!names) return function_error("missing header line");
  std::map<std::string, Type> attributes;
  for (const std::string& name : *names) {
    if (!attributes.emplace(name, Type::string()).second) {
      return function_error("duplicate column name {}", go_quote(name));
    }
  }
  std::vector<Value> rows;
  for (;;) {
    const auto fields = TRY(reader.record());
    if (!fields) break;
    if (fields->size() != names->size()) return function_error("wrong number of fields");
    Value::Entries entries;
    for (size_t i = 0; i < fields->size(); ++i) {
      entries.emplace((*names)[i], Value::string((*fields)[i]));
    }
    rows.push_back(Value::object(std::move(entries)));
  }
  return Value::list(Type::object(attributes), std::move(rows));
}

}  // namespace

void add_encoding_functions(Functions& functions) {
  add_function(functions, "base64encode", {text_parameter("str")},
               [](Arguments arguments) -> Result<Value> {
                 return Value::string(encode_base64(arguments[0].text()));
               });
  add_function(functions, "base64decode", {text_parameter("str")}, base64_decode);
  add_function(functions, "urlencode", {text_parameter("str")}, url_encode);
  add_function(functions, "jsonencode", {{"val", Type::any(), true}},
               [](Arguments arguments) -> Result<Value> {
                 return Value::string(TRY(json_encode(arguments[0])));
               });
  add_function(functions, "jsondecode", {text_parameter("str")},
               [](Arguments arguments) { return json_decode(arguments[0].text()); });
  add_function(functions, "csvdecode", {text_parameter("str")}, csv_decode);
}

}  // namespace slipway::hcl
