#include "frontend/hcl/value_json.h"

#include <algorithm>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "base/unicode.h"
#include "frontend/hcl/convert.h"
#include "frontend/hcl/json_document.h"

namespace slipway::hcl {
namespace {

using Kind = Type::Kind;

std::string type_json(const Type& type) {
  switch (type.kind()) {
    case Kind::Any:
      return "\"dynamic\"";
    case Kind::String:
      return "\"string\"";
    case Kind::Number:
      return "\"number\"";
    case Kind::Bool:
      return "\"bool\"";
    case Kind::List:
      return "[\"list\"," + type_json(type.element()) + "]";
    case Kind::Set:
      return "[\"set\"," + type_json(type.element()) + "]";
    case Kind::Map:
      return "[\"map\"," + type_json(type.element()) + "]";
    case Kind::Tuple:
    case Kind::Object:
      break;
  }
  std::string parts;
  for (size_t i = 0; i < type.parts().size(); ++i) {
    if (!parts.empty()) parts += ',';
    if (type.is(Kind::Object)) parts += json_quote(type.names()[i]) + ":";
    parts += type_json(type.parts()[i]);
  }
  return type.is(Kind::Object) ? "[\"object\",{" + parts + "}]" : "[\"tuple\",[" + parts + "]]";
}

// The type that the part of a value at `index` (or of that name) has in `type`.
Type part_type(const Type& type, const Value& part, size_t index, std::string_view name) {
  if (type.is_collection()) return type.element();
  if (type.is(Kind::Tuple) && index < type.parts().size()) return type.parts()[index];
  if (type.is(Kind::Object)) {
    if (const Type* attribute = type.attribute(name)) return *attribute;
  }
  return part.type();
}

void write(const Value& value, const Type& type, std::string& text) {
  if (type.is_any() && !value.type().is_any()) {
    text += "{\"value\":";
    write(value, value.type(), text);
    text += ",\"type\":" + type_json(value.type()) + "}";
    return;
  }
  if (value.is_null()) {
    text += "null";
    return;
  }
  if (value.is(Kind::String)) text += json_quote(value.text());
  if (value.is(Kind::Number)) text += value.as_number().to_string();
  if (value.is(Kind::Bool)) text += value.truth() ? "true" : "false";
  if (value.is_sequence()) {
    text += '[';
    for (size_t i = 0; i < value.elements().size(); ++i) {
      if (i > 0) text += ',';
      const Value& element = value.elements()[i];
      write(element, part_type(type, element, i, ""), text);
    }
    text += ']';
  }
  if (value.is_mapping()) {
    text += '{';
    bool first = true;
    for (const auto& [name, entry] : value.entries()) {
      if (!std::exchange(first, false)) text += ',';
      text += json_quote(name) + ":";
      write(entry, part_type(type, entry, 0, name), text);
    }
    text += '}';
  }
}

bool has_infinity(const Value& value) {
  if (value.is_null()) return false;
  if (value.is(Kind::Number)) return value.as_number().is_infinite();
  if (value.is_sequence()) {
    return std::any_of(value.elements().begin(), value.elements().end(), has_infinity);
  }
  return value.is_mapping() &&
         std::any_of(value.entries().begin(), value.entries().end(),
                     [](const auto& entry) { return has_infinity(entry.second); });
}

Result<Value> number_of(const JsonNode& node) {
  std::optional<Number> number = Number::parse(node.text);
  if (!number) return error_at(node.range, "the number is out of range");
  return Value::number(std::move(*number));
}

Result<Value> implied(const JsonNode& node) {
  switch (node.kind) {
    case JsonNode::Kind::Null:
      return Value();
    case JsonNode::Kind::Bool:
      return Value::boolean(node.truth);
    case JsonNode::Kind::Number:
      return number_of(node);
    case JsonNode::Kind::String:
      return Value::string(node.text);
    case JsonNode::Kind::Array: {
      std::vector<Value> elements;
      for (const JsonNode& item : node.items) elements.push_back(TRY(implied(item)));
      return Value::tuple(std::move(elements));
    }
    case JsonNode::Kind::Object:
      break;
  }
  Value::Entries entries;
  for (const JsonMember& member : node.members) {
    Value value = TRY(implied(member.value));
    const auto found = entries.find(member.name);
    if (found == entries.end()) {
      entries.emplace(member.name, std::move(value));
      continue;
    }
    if (found->second.type() != value.type()) {
      return error_at(member.name_range, "the object names {} twice", go_quote(member.name));
    }
    found->second = std::move(value);
  }
  return Value::object(std::move(entries));
}

Error wrong_type(const JsonNode& node, const Type& type) {
  return error_at(node.range, "{} is required", type.friendly_name());
}

Result<Value> typed(const JsonNode& node, const Type& type);

Result<Value> typed_scalar(const JsonNode& node, const Type& type) {
  if (node.is(JsonNode::Kind::Array) || node.is(JsonNode::Kind::Object)) {
    return wrong_type(node, type);
  }
  if (type.is(Kind::Number)) {
    const bool fits = node.is(JsonNode::Kind::Number) || node.is(JsonNode::Kind::String);
    if (!fits) return wrong_type(node, type);
    return number_of(node);
  }
  if (type.is(Kind::Bool)) {
    if (node.is(JsonNode::Kind::Bool)) return Value::boolean(node.truth);
    if (!node.is(JsonNode::Kind::String)) return wrong_type(node, type);
    return convert(Value::string(node.text), type);
  }
  if (node.is(JsonNode::Kind::Bool)) return Value::string(node.truth ? "true" : "false");
  return Value::string(node.text);
}

Result<Value> typed_sequence(const JsonNode& node, const Type& type) {
  if (!node.is(JsonNode::Kind::Array)) return wrong_type(node, type);
  if (type.is(Kind::Tuple) && type.parts().size() != node.items.size()) {
    return error_at(node.range, "{} elements are required, not {}", type.parts().size(),
                    node.items.size());
  }
  std::vector<Value> elements;
  for (size_t i = 0; i < node.items.size(); ++i) {
    const Type& wanted = type.is(Kind::Tuple) ? type.parts()[i] : type.element();
    elements.push_back(TRY(typed(node.items[i], wanted)));
  }
  if (type.is(Kind::Tuple)) return Value::tuple(std::move(elements));
  return type.is(Kind::List) ? Value::list(type.element(), std::move(elements))
                             : Value::set(type.element(), std::move(elements));
}

Result<Value> typed_mapping(const JsonNode& node, const Type& type) {
  if (!node.is(JsonNode::Kind::Object)) return wrong_type(node, type);
  Value::Entries entries;
  for (const JsonMember& member : node.members) {
    const Type* wanted = type.is(Kind::Map) ? &type.element() : type.attribute(member.name);
    if (wanted == nullptr) {
      return error_at(member.name_range, "unsupported attribute {}", go_quote(member.name));
    }
    entries.insert_or_assign(member.name, TRY(typed(member.value, *wanted)));
  }
  if (type.is(Kind::Map)) return Value::map(type.element(), std::move(entries));
  for (size_t i = 0; i < type.names().size(); ++i) {
    entries.try_emplace(type.names()[i], Value::null(type.parts()[i]));
  }
  return Value::object(std::move(entries));
}

// "any" is read as to_json writes it, {"value": ..., "type": ...}, in cty; only the plain value is
// accepted here, whose type is implied.
Result<Value> typed(const JsonNode& node, const Type& type) {
  if (node.is(JsonNode::Kind::Null)) return Value::null(type);
  switch (type.kind()) {
    case Kind::Any:
      return implied(node);
    case Kind::String:
    case Kind::Number:
    case Kind::Bool:
      return typed_scalar(node, type);
    case Kind::List:
    case Kind::Set:
    case Kind::Tuple:
      return typed_sequence(node, type);
    case Kind::Map:
    case Kind::Object:
      return typed_mapping(node, type);
  }
  return Value();
}

}  // namespace

std::string json_quote(std::string_view text) {
  std::string quoted = "\"";
  while (!text.empty()) {
    const DecodedCharacter character = decode_character(text);
    const char32_t c = character.code_point;
    constexpr std::u32string_view kNamed = U"\"\\\b\f\n\r\t";
    if (const size_t named = kNamed.find(c); named != std::u32string_view::npos) {
      quoted += '\\';
      quoted += "\"\\bfnrt"[named];
    } else if (c < 0x20 || c == '<' || c == '>' || c == '&' || c == 0x2028 || c == 0x2029 ||
               (c == kReplacementCharacter && character.width == 1)) {
      quoted += fmt::format("\\u{:04x}", static_cast<uint32_t>(c));
    } else {
      quoted += text.substr(0, character.width);
    }
    text.remove_prefix(character.width);
  }
  return quoted + '"';
}

std::string to_json(const Value& value) {
  return to_json(value, value.type());
}

std::string to_json(const Value& value, const Type& type) {
  std::string text;
  write(value, type, text);
  return text;
}

Result<std::string> json_encode(const Value& value) {
  if (has_infinity(value)) {
    return make_error(ErrorCode::InvalidInput, "cannot serialize infinity as JSON");
  }
  return to_json(value);
}

Result<Value> json_decode(std::string_view text) {
  return implied(TRY(parse_json(text, std::make_shared<const std::string>("JSON"))));
}

Result<Value> json_decode(std::string_view text, const Type& type) {
  return typed(TRY(parse_json(text, std::make_shared<const std::string>("JSON"))), type);
}

}  // namespace slipway::hcl
