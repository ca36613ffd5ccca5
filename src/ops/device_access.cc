#include "ops/device_access.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "base/values.h"

namespace slipway::ops {
namespace {

Error not_there(const std::string& name, const executor::CdiDevices& devices) {
  std::string hint =
      fmt::format("devices are described by CDI files (*.yaml, *.json) in {}", devices.places());
  for (const std::string& problem : devices.problems()) hint += "; " + problem;
  return make_error(ErrorCode::NotFound, "device {} is required, but there is none on this machine",
                    name)
      .with_hint(std::move(hint));
}

Error not_allowed(const std::vector<std::string>& names) {
  std::vector<std::string> flags;
  for (const std::string& name : names) flags.push_back("--allow device=" + name);
  const std::string subject =
      names.size() == 1 ? "device " + names[0] + " is" : "devices " + join(names, ", ") + " are";
  return make_error(ErrorCode::PermissionDenied, "{} requested by the build but not allowed",
                    subject)
      .with_hint("allow it: " + join(flags, " "));
}

}  // namespace

Status DeviceGrants::add(std::string_view text) {
  if (text.empty()) {
    all = true;
    return {};
  }
  const std::vector<std::string> fields = TRY(parse_csv_line(text).context("--allow device"));
  std::string alias;
  for (size_t i = 1; i < fields.size(); ++i) {
    constexpr std::string_view kAlias = "alias=";
    if (!fields[i].starts_with(kAlias)) {
      return invalid_input("--allow device={}: want NAME[,alias=REQUEST]", text);
    }
    alias = fields[i].substr(kAlias.size());
  }
  if (alias.empty()) {
    requests.push_back(fields[0]);
  } else {
    aliases[alias] = fields[0];
  }
  return {};
}

Result<std::vector<std::string>> devices_for(const std::vector<graph::CdiDevice>& requests,
                                             const executor::CdiDevices& devices,
                                             const DeviceGrants& grants) {
  std::set<std::string> granted;
  for (const std::string& request : grants.requests) {
    for (std::string& name : devices.find(request)) granted.insert(std::move(name));
  }
  std::vector<std::string> names;
  std::vector<std::string> forbidden;
  for (const graph::CdiDevice& request : requests) {
    const auto alias = grants.aliases.find(request.name);
    const bool is_alias = alias != grants.aliases.end();
    const std::string& wanted = is_alias ? alias->second : request.name;
    const std::vector<std::string> found = devices.find(wanted);
    if (found.empty() && !request.optional) return not_there(wanted, devices);
    for (const std::string& name : found) {
      if (std::ranges::find(names, name) != names.end()) continue;
      const bool is_allowed =
          grants.all || is_alias || granted.contains(name) || devices.is_allowed_to_all(name);
      (is_allowed ? names : forbidden).push_back(name);
    }
  }
  if (!forbidden.empty()) return not_allowed(forbidden);
  return names;
}

}  // namespace slipway::ops
