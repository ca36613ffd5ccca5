#include "oci/json_writer.h"

#include <fmt/format.h>

#include "base/check.h"

namespace slipway {
namespace {

// Length of the well-formed UTF-8 sequence at the start of `text` (RFC 3629), or 0.
size_t utf8_length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continues = [&](size_t i, unsigned low = 0x80, unsigned high = 0xbf) {
    return i < text.size() && byte(i) >= low && byte(i) <= high;
  };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return continues(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const unsigned low = lead == 0xe0 ? 0xa0 : 0x80;
    const unsigned high = lead == 0xed ? 0x9f : 0xbf;
    return continues(1, low, high) && continues(2) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const unsigned low = lead == 0xf0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xf4 ? 0x8f : 0xbf;
    return continues(1, low, high) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

void append_ascii(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  if (static_cast<unsigned char>(c) < 0x20 || c == '<' || c == '>' || c == '&') {
    fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
  } else {
    out += c;
  }
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const size_t length = utf8_length(text);
    if (length == 0) {
      out += "\\ufffd";
    } else if (length == 1) {
      append_ascii(out, text[0]);
    } else if (text.starts_with("\xe2\x80\xa8")) {
      out += "\\u2028";
    } else if (text.starts_with("\xe2\x80\xa9")) {
      out += "\\u2029";
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  out += '"';
}

}  // namespace

void JsonWriter::new_line() {
  if (indent_ == 0) return;
  text_ += '\n';
  text_.append(static_cast<size_t>(indent_) * static_cast<size_t>(depth_), ' ');
}

void JsonWriter::before_value() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  if (depth_ == 0) return;
  if (!first_) text_ += ',';
  new_line();
  first_ = false;
}

void JsonWriter::close(char bracket) {
  CHECK(depth_ > 0 && !after_key_);
  --depth_;
  // Go prints an empty object or array on one line.
  if (!first_) new_line();
  text_ += bracket;
  first_ = false;
}

JsonWriter& JsonWriter::begin_object() {
  before_value();
  text_ += '{';
  ++depth_;
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::end_object() {
  close('}');
  return *this;
}

JsonWriter& JsonWriter::begin_array() {
  before_value();
  text_ += '[';
  ++depth_;
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::end_array() {
  close(']');
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  CHECK(!after_key_);
  before_value();
  append_quoted(text_, name);
  text_ += indent_ == 0 ? ":" : ": ";
  after_key_ = true;
  return *this;
}

JsonWriter& JsonWriter::string(std::string_view text) {
  before_value();
  append_quoted(text_, text);
  return *this;
}

JsonWriter& JsonWriter::number(int64_t value) {
  before_value();
  text_ += std::to_string(value);
  return *this;
}

JsonWriter& JsonWriter::boolean(bool value) {
  before_value();
  text_ += value ? "true" : "false";
  return *this;
}

JsonWriter& JsonWriter::null() {
  before_value();
  text_ += "null";
  return *this;
}

JsonWriter& JsonWriter::strings(const std::vector<std::string>& values) {
  begin_array();
  for (const std::string& value : values) string(value);
  return end_array();
}

JsonWriter& JsonWriter::map(const std::map<std::string, std::string>& values) {
  begin_object();
  for (const auto& [name, value] : values) key(name).string(value);
  return end_object();
}

// One character of JSON text that is in no string. `opened`: an object or array of which nothing
// has been written yet; a line break comes after it only when it is not empty.
void JsonWriter::raw_structure(char c, bool& opened) {
  if (c == ' ' || c == '\t' || c == '\n' || c == '\r') return;
  const bool closes = c == '}' || c == ']';
  if (opened && !closes) {
    ++depth_;
    new_line();
  }
  if (!opened && closes) {
    --depth_;
    new_line();
  }
  opened = c == '{' || c == '[';
  text_ += c;
  if (c == ',') new_line();
  if (c == ':' && indent_ != 0) text_ += ' ';
}

JsonWriter& JsonWriter::raw(std::string_view json) {
  before_value();
  bool in_string = false;
  bool opened = false;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (!in_string) {
      raw_structure(c, opened);
      in_string = c == '"';
    } else if (c == '\\' && i + 1 < json.size()) {
      text_ += c;
      text_ += json[++i];
    } else if (c == '<' || c == '>' || c == '&') {
      append_ascii(text_, c);
    } else if (json.substr(i).starts_with("\xe2\x80\xa8")) {
      text_ += "\\u2028";
      i += 2;
    } else if (json.substr(i).starts_with("\xe2\x80\xa9")) {
      text_ += "\\u2029";
      i += 2;
    } else {
      text_ += c;
      in_string = c != '"';
    }
  }
  return *this;
}

JsonWriter& JsonWriter::optional(std::string_view name, std::string_view text) {
  return text.empty() ? *this : key(name).string(text);
}

JsonWriter& JsonWriter::optional(std::string_view name, int64_t value) {
  return value == 0 ? *this : key(name).number(value);
}

JsonWriter& JsonWriter::optional(std::string_view name, const std::vector<std::string>& values) {
  return values.empty() ? *this : key(name).strings(values);
}

JsonWriter& JsonWriter::optional(std::string_view name,
                                 const std::map<std::string, std::string>& values) {
  return values.empty() ? *this : key(name).map(values);
}

}  // namespace slipway
