#include "ops/file_owner.h"

#include <charconv>

#include "base/text.h"

namespace slipway::ops {
namespace {

std::optional<uint32_t> number(std::string_view text) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The fields of the first "name:..." line that has at least `count` of them.
std::optional<std::vector<std::string>> find_line(std::string_view text, std::string_view name,
                                                  size_t count) {
  for (const std::string& line : split(text, '\n')) {
    if (!line.starts_with(name)) continue;
    std::vector<std::string> fields = split(trim(line), ':');
    if (fields.size() >= count && fields[0] == name) return fields;
  }
  return std::nullopt;
}

}  // namespace

std::optional<UserEntry> find_user(std::string_view passwd, std::string_view name) {
  const auto fields = find_line(passwd, name, 4);
  if (!fields) return std::nullopt;
  const std::optional<uint32_t> uid = number((*fields)[2]);
  const std::optional<uint32_t> gid = number((*fields)[3]);
  if (!uid || !gid) return std::nullopt;
  return UserEntry{*uid, *gid};
}

std::optional<uint32_t> find_group(std::string_view group, std::string_view name) {
  const auto fields = find_line(group, name, 3);
  return fields ? number((*fields)[2]) : std::nullopt;
}

}  // namespace slipway::ops
