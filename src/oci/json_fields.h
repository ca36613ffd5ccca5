// Reading members of foreign JSON objects: each function says clearly what is wrong, none throws.
// A member that is missing or null reads as the empty value, as Go's decoder has it.
// For .cc files: nlohmann/json.hpp must be included there.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"

namespace slipway::json_fields {

// Parses a document that must be an object of at most `max_bytes`, nested no deeper than 64.
Result<nlohmann::json> parse_object(std::string_view text, size_t max_bytes);

// The member, or nullptr when it is missing or null.
const nlohmann::json* find(const nlohmann::json& object, const char* name);

Result<std::string> string(const nlohmann::json& object, const char* name);
Result<int64_t> integer(const nlohmann::json& object, const char* name);
Result<bool> boolean(const nlohmann::json& object, const char* name);
Result<std::vector<std::string>> strings(const nlohmann::json& object, const char* name);
Result<std::map<std::string, std::string>> string_map(const nlohmann::json& object,
                                                      const char* name);
// The names of an object whose values do not matter: {"80/tcp": {}}.
Result<std::map<std::string, std::string>> name_set(const nlohmann::json& object, const char* name);
// The member when it is an object, nullptr when it is missing.
Result<const nlohmann::json*> object(const nlohmann::json& parent, const char* name);
// The elements of an array member, each an object.
Result<std::vector<const nlohmann::json*>> objects(const nlohmann::json& parent, const char* name);

}  // namespace slipway::json_fields
