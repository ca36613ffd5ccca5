#include "oci/json_fields.h"

#include <nlohmann/json.hpp>

namespace slipway::json_fields {
namespace {

using nlohmann::json;

constexpr int kMaxDepth = 64;

Error wrong_type(const char* name, const char* wanted, const json& value) {
  return make_error(ErrorCode::InvalidInput, "\"{}\" must be {}, not {}", name, wanted,
                    value.type_name());
}

}  // namespace

Result<json> parse_object(std::string_view text, size_t max_bytes) {
  if (text.size() > max_bytes) {
    return make_error(ErrorCode::InvalidInput, "{} bytes of JSON; at most {} are accepted",
                      text.size(), max_bytes);
  }
  bool too_deep = false;
  const auto limit_depth = [&](int depth, json::parse_event_t, json&) {
    too_deep = too_deep || depth > kMaxDepth;
    return !too_deep;
  };
  json document;
  try {
    document = json::parse(text, limit_depth);
  } catch (const json::exception& error) {
    if (!too_deep) return make_error(ErrorCode::InvalidInput, "parse JSON: {}", error.what());
  }
  if (too_deep) {
    return make_error(ErrorCode::InvalidInput, "JSON is nested deeper than {}", kMaxDepth);
  }
  if (!document.is_object()) {
    return make_error(ErrorCode::InvalidInput, "JSON is {}, not an object", document.type_name());
  }
  return document;
}

const json* find(const json& object, const char* name) {
  const auto member = object.find(name);
  return member == object.end() || member->is_null() ? nullptr : &*member;
}

Result<std::string> string(const json& object, const char* name) {
  const json* member = find(object, name);
  if (member == nullptr) return std::string();
  if (!member->is_string()) return wrong_type(name, "a string", *member);
  return member->get<std::string>();
}

Result<int64_t> integer(const json& object, const char* name) {
  const json* member = find(object, name);
  if (member == nullptr) return int64_t{0};
  const bool fits = member->is_number_integer() &&
                    (!member->is_number_unsigned() || member->get<uint64_t>() <= INT64_MAX);
  if (!fits) return wrong_type(name, "a 64-bit integer", *member);
  return member->get<int64_t>();
}

Result<bool> boolean(const json& object, const char* name) {
  const json* member = find(object, name);
  if (member == nullptr) return false;
  if (!member->is_boolean()) return wrong_type(name, "true or false", *member);
  return member->get<bool>();
}

Result<std::vector<std::string>> strings(const json& object, const char* name) {
  std::vector<std::string> values;
  const json* member = find(object, name);
  if (member == nullptr) return values;
  if (!member->is_array()) return wrong_type(name, "an array of strings", *member);
  for (const json& value : *member) {
    if (!value.is_string()) return wrong_type(name, "an array of strings", value);
    values.push_back(value.get<std::string>());
  }
  return values;
}

Result<std::map<std::string, std::string>> string_map(const json& object, const char* name) {
  std::map<std::string, std::string> values;
  const json* member = find(object, name);
  if (member == nullptr) return values;
  if (!member->is_object()) return wrong_type(name, "an object of strings", *member);
  for (const auto& [key, value] : member->items()) {
    if (!value.is_string()) return wrong_type(name, "an object of strings", value);
    values.emplace(key, value.get<std::string>());
  }
  return values;
}

Result<std::map<std::string, std::string>> name_set(const json& object, const char* name) {
  std::map<std::string, std::string> values;
  const json* member = find(object, name);
  if (member == nullptr) return values;
  if (!member->is_object()) return wrong_type(name, "an object", *member);
  for (const auto& item : member->items()) values.emplace(item.key(), "");
  return values;
}

Result<const json*> object(const json& parent, const char* name) {
  const json* member = find(parent, name);
  if (member != nullptr && !member->is_object()) return wrong_type(name, "an object", *member);
  return member;
}

Result<std::vector<const json*>> objects(const json& parent, const char* name) {
  std::vector<const json*> values;
  const json* member = find(parent, name);
  if (member == nullptr) return values;
  if (!member->is_array()) return wrong_type(name, "an array of objects", *member);
  for (const json& value : *member) {
    if (!value.is_object()) return wrong_type(name, "an array of objects", value);
    values.push_back(&value);
  }
  return values;
}

}  // namespace slipway::json_fields
