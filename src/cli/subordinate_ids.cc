#include "cli/subordinate_ids.h"

#include <pwd.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <optional>

#include "base/child_process.h"
#include "base/file_io.h"
#include "base/text.h"

namespace slipway::cli {
namespace {

std::optional<uint32_t> number(const std::string& text) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string own_name() {
  const passwd* entry = ::getpwuid(::getuid());
  return entry != nullptr ? entry->pw_name : std::to_string(::getuid());
}

Status map_ids(const std::string& program, const std::string& database, pid_t pid, uint32_t own_id,
               const std::string& user) {
  if (!std::filesystem::exists("/usr/bin/" + program) &&
      !std::filesystem::exists("/bin/" + program)) {
    return make_error(ErrorCode::NotFound, "build as an ordinary user: {} is not installed",
                      program)
        .with_hint("install the package uidmap: apt-get install uidmap");
  }
  const std::vector<IdRange> ranges =
      subordinate_ranges(read_file(database).value_or(""), user, ::getuid());
  if (ranges.empty()) {
    return make_error(ErrorCode::NotFound,
                      "build as an ordinary user: {} has no subordinate ids in {}", user, database)
        .with_hint(fmt::format("as root: usermod --add-subuids 100000-165535 --add-subgids "
                               "100000-165535 {}",
                               user));
  }
  ProcessOptions options;
  options.argv = {program, std::to_string(pid)};
  for (std::string& argument : id_map_arguments(own_id, ranges)) {
    options.argv.push_back(std::move(argument));
  }
  const CommandOutput output = TRY(run_command(std::move(options)));
  if (output.status.success()) return {};
  return make_error(ErrorCode::PermissionDenied, "map the ids of {} with {}: {}", user, program,
                    trim(output.stderr_text));
}

}  // namespace

std::vector<IdRange> subordinate_ranges(std::string_view file, std::string_view user_name,
                                        uint32_t uid) {
  std::vector<IdRange> ranges;
  for (const std::string& line : split(file, '\n')) {
    const std::vector<std::string> fields = split(trim(line), ':');
    if (fields.size() != 3 || (fields[0] != user_name && fields[0] != std::to_string(uid)))
      continue;
    const std::optional<uint32_t> first = number(fields[1]);
    const std::optional<uint32_t> count = number(fields[2]);
    if (first && count && *count > 0) ranges.push_back({*first, *count});
  }
  return ranges;
}

std::vector<std::string> id_map_arguments(uint32_t own_id, const std::vector<IdRange>& ranges) {
  std::vector<std::string> arguments = {"0", std::to_string(own_id), "1"};
  uint64_t inside = 1;
  for (const IdRange& range : ranges) {
    arguments.push_back(std::to_string(inside));
    arguments.push_back(std::to_string(range.first));
    arguments.push_back(std::to_string(range.count));
    inside += range.count;
  }
  return arguments;
}

Status map_subordinate_ids(pid_t pid) {
  const std::string user = own_name();
  TRY(map_ids("newuidmap", "/etc/subuid", pid, ::getuid(), user));
  TRY(map_ids("newgidmap", "/etc/subgid", pid, ::getgid(), user));
  return {};
}

}  // namespace slipway::cli
