// Owners of file actions: by id, or by name in the passwd and group files of an image.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "graph/op.h"
#include "ops/file_target.h"

namespace slipway::ops {

struct UserEntry {
  uint32_t uid = 0;
  uint32_t gid = 0;
};
// In the text of /etc/passwd; the first line of that name.
std::optional<UserEntry> find_user(std::string_view passwd, std::string_view name);
std::optional<uint32_t> find_group(std::string_view group, std::string_view name);

// As BuildKit: a user by name brings its group along, a user by id the group of the same number; a
// name that is not there is root. `tree_of(input)` gives the tree to look names up in.
template <typename TreeOf>
Result<std::optional<Owner>> resolve_owner(const std::optional<graph::ChownOpt>& chown,
                                           TreeOf&& tree_of) {
  constexpr size_t kMaxUserFile = 10 << 20;
  if (!chown) return std::optional<Owner>();
  Owner owner;
  if (chown->user) {
    if (const auto* id = std::get_if<graph::UserOpt::Id>(&chown->user->value)) {
      owner = {*id, *id};
    } else {
      const auto& by_name = std::get<graph::UserOpt::Name>(chown->user->value);
      const Tree& tree = *TRY(tree_of(by_name.input));
      const std::optional<std::string> passwd = TRY(tree.read_file("/etc/passwd", kMaxUserFile));
      const std::optional<UserEntry> user = find_user(passwd.value_or(""), by_name.name);
      if (user) owner = {user->uid, user->gid};
    }
  }
  if (chown->group) {
    if (const auto* id = std::get_if<graph::UserOpt::Id>(&chown->group->value)) {
      owner.gid = *id;
    } else {
      const auto& by_name = std::get<graph::UserOpt::Name>(chown->group->value);
      const Tree& tree = *TRY(tree_of(by_name.input));
      const std::optional<std::string> group = TRY(tree.read_file("/etc/group", kMaxUserFile));
      const std::optional<uint32_t> gid = find_group(group.value_or(""), by_name.name);
      if (gid) owner.gid = *gid;
    }
  }
  return std::optional<Owner>(owner);
}

}  // namespace slipway::ops
