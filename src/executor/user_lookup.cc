#include "executor/user_lookup.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/text.h"

namespace slipway::executor {
namespace {

// Larger user databases than this are not read: they are no databases.
constexpr size_t kMaxDatabaseBytes = 16 << 20;

std::optional<uint32_t> as_id(std::string_view text) {
  uint32_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (id > 0x7fffffff) return std::nullopt;
  return id;
}

// The lines of a colon-separated database; a missing file has none.
Result<std::vector<std::vector<std::string>>> read_database(const RootDir& rootfs,
                                                            const std::string& path) {
  std::vector<std::vector<std::string>> rows;
  const auto found = TRY(rootfs.stat_at(path, true));
  if (!found || !S_ISREG(found->st_mode)) return rows;
  for (const std::string& line : split(TRY(rootfs.read_file(path, kMaxDatabaseBytes)), '\n')) {
    const std::string_view text = trim(line);
    if (text.empty() || text.front() == '#') continue;
    rows.push_back(split(text, ':'));
  }
  return rows;
}

// name:password:uid:gid:comment:home:shell
struct PasswdEntry {
  std::string name;
  uint32_t uid;
  uint32_t gid;
  std::string home;
};

Result<std::optional<PasswdEntry>> find_user(const RootDir& rootfs, std::string_view wanted) {
  const std::optional<uint32_t> wanted_id = as_id(wanted);
  for (const auto& row : TRY(read_database(rootfs, "/etc/passwd"))) {
    if (row.size() < 4) continue;
    const std::optional<uint32_t> uid = as_id(row[2]);
    const std::optional<uint32_t> gid = as_id(row[3]);
    if (!uid || !gid || (row[0] != wanted && uid != wanted_id)) continue;
    return std::optional(PasswdEntry{row[0], *uid, *gid, row.size() > 5 ? row[5] : ""});
  }
  return std::optional<PasswdEntry>();
}

// name:password:gid:member,member
Result<uint32_t> find_group(const RootDir& rootfs, std::string_view wanted) {
  const std::optional<uint32_t> wanted_id = as_id(wanted);
  for (const auto& row : TRY(read_database(rootfs, "/etc/group"))) {
    if (row.size() < 3) continue;
    const std::optional<uint32_t> gid = as_id(row[2]);
    if (gid && (row[0] == wanted || gid == wanted_id)) return *gid;
  }
  if (wanted_id) return *wanted_id;
  return make_error(ErrorCode::InvalidInput,
                    "unable to find group {}: no matching entries in group file", wanted);
}

Result<std::vector<uint32_t>> groups_of(const RootDir& rootfs, const std::string& user_name) {
  std::vector<uint32_t> gids;
  for (const auto& row : TRY(read_database(rootfs, "/etc/group"))) {
    if (row.size() < 4) continue;
    const std::vector<std::string> members = split(row[3], ',');
    const std::optional<uint32_t> gid = as_id(row[2]);
    if (gid && std::ranges::find(members, user_name) != members.end()) gids.push_back(*gid);
  }
  return gids;
}

}  // namespace

Result<ContainerUser> look_up_user(const RootDir& rootfs, std::string_view user) {
  const size_t colon = user.find(':');
  const std::string_view user_part = user.substr(0, colon);
  const std::string_view group_part =
      colon == std::string_view::npos ? std::string_view() : user.substr(colon + 1);

  ContainerUser result;
  const std::string_view wanted = user_part.empty() ? "0" : user_part;
  const std::optional<PasswdEntry> entry = TRY(find_user(rootfs, wanted));
  if (entry) {
    result.uid = entry->uid;
    result.gid = entry->gid;
    if (!entry->home.empty()) result.home = entry->home;
  } else if (const std::optional<uint32_t> uid = as_id(wanted)) {
    result.uid = *uid;
  } else {
    return make_error(ErrorCode::InvalidInput,
                      "unable to find user {}: no matching entries in passwd file", user_part);
  }

  if (!group_part.empty()) {
    result.gid = TRY(find_group(rootfs, group_part));
  } else if (user.empty()) {
    result.gid = 0;  // no USER at all: root with no group but its own
  } else if (entry) {
    result.additional_gids = TRY(groups_of(rootfs, entry->name));
  }
  std::ranges::sort(result.additional_gids);
  const auto repeated = std::ranges::unique(result.additional_gids);
  result.additional_gids.erase(repeated.begin(), repeated.end());
  return result;
}

}  // namespace slipway::executor
