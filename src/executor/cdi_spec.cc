#include "executor/cdi_spec.h"

#include <algorithm>
#include <charconv>
#include <functional>

#include "base/values.h"
#include "yaml/value.h"

namespace slipway::executor {
namespace {

using yaml::Value;

template <typename... Args>
Error wrong(const Value& value, fmt::format_string<Args...> format, Args&&... args) {
  return invalid_input(format, std::forward<Args>(args)...).at(value.span);
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_alphanumeric(char c) {
  return is_letter(c) || (c >= '0' && c <= '9');
}

// Letters, digits and some punctuation that neither begins nor ends it.
bool is_name(std::string_view text, std::string_view punctuation) {
  if (text.empty() || !is_alphanumeric(text.front()) || !is_alphanumeric(text.back())) return false;
  for (const char c : text) {
    if (!is_alphanumeric(c) && punctuation.find(c) == std::string_view::npos) return false;
  }
  return true;
}

// "vendor.com/class".
bool is_kind(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return false;
  const std::string_view vendor = text.substr(0, slash);
  const std::string_view name = text.substr(slash + 1);
  return is_name(vendor, "_-.") && is_letter(vendor[0]) && is_name(name, "_-.") &&
         is_letter(name[0]);
}

using Reader = std::function<Status(const Value&)>;
struct Member {
  const char* name;
  Reader read;
};

// Each member of a map goes to its reader; null stands for a member that is not there.
Status read_map(const Value& map, const char* what, const std::vector<Member>& members) {
  if (!map.is_map()) return wrong(map, "{}: a mapping is expected", what);
  for (const auto& [name, value] : map.members) {
    std::vector<std::string> known;
    const Member* found = nullptr;
    for (const Member& member : members) {
      if (name == member.name) found = &member;
      known.emplace_back(member.name);
    }
    if (found == nullptr) {
      return wrong(value, "{}: {} is not known{}", what, name, did_you_mean(name, known));
    }
    if (!value.is_null()) TRY(found->read(value));
  }
  return {};
}

Status each(const Value& list, const char* what, const Reader& read) {
  if (!list.is_list()) return wrong(list, "{}: a list is expected", what);
  for (const Value& item : list.items) TRY(read(item));
  return {};
}

Reader into(const char* what, std::string& text) {
  return [what, &text](const Value& value) -> Status {
    if (!value.is_scalar()) return wrong(value, "{}: a string is expected", what);
    text = value.text;
    return {};
  };
}

Reader into(const char* what, std::vector<std::string>& texts) {
  return [what, &texts](const Value& value) {
    return each(value, what, [&](const Value& item) -> Status {
      if (!item.is_scalar()) return wrong(item, "{}: strings are expected", what);
      texts.push_back(item.text);
      return {};
    });
  };
}

Result<int64_t> number_of(const Value& value, const char* what, int64_t max) {
  int64_t number = -1;
  if (value.is_scalar() && !value.quoted) {
    const std::string text = yaml::scalar_text(value);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) number = -1;
  }
  if (number < 0 || number > max) {
    return wrong(value, "{}: a number from 0 to {} is expected", what, max);
  }
  return number;
}

template <typename Number>
Reader into(const char* what, std::optional<Number>& number) {
  return [what, &number](const Value& value) -> Status {
    constexpr int64_t kMax = UINT32_MAX;
    number = static_cast<Number>(TRY(number_of(value, what, kMax)));
    return {};
  };
}

Reader into_annotations(std::map<std::string, std::string>& annotations) {
  return [&annotations](const Value& value) -> Status {
    if (!value.is_map()) return wrong(value, "annotations: a mapping is expected");
    for (const auto& [name, text] : value.members) {
      TRY(into("annotations", annotations[name])(text));
    }
    return {};
  };
}

Status read_env(const Value& value, std::vector<std::string>& env) {
  TRY(into("env", env)(value));
  for (const std::string& variable : env) {
    const size_t equals = variable.find('=');
    if (equals == std::string::npos || equals == 0) {
      return wrong(value, "env: \"{}\" is no NAME=VALUE", variable);
    }
  }
  return {};
}

// Without a device cgroup the node's mode is all that can be kept from being done.
Status read_permissions(const Value& value, CdiEdits& edits) {
  std::string text;
  TRY(into("permissions", text)(value));
  if (text != "none" && text.find_first_not_of("rwm") != std::string::npos) {
    return wrong(value, "permissions: \"{}\" is not made of r, w and m", text);
  }
  const bool reads_and_writes =
      text.find('r') != std::string::npos && text.find('w') != std::string::npos;
  if (!text.empty() && !reads_and_writes) {
    edits.unsupported.push_back("the permissions \"" + text +
                                "\" (without device cgroups only rw)");
  }
  return {};
}

Status read_node(const Value& value, CdiEdits& edits) {
  CdiDeviceNode node;
  std::string type;
  TRY(read_map(value, "deviceNodes",
               {{"path", into("path", node.path)},
                {"hostPath", into("hostPath", node.host_path)},
                {"type", into("type", type)},
                {"major", into("major", node.major_number)},
                {"minor", into("minor", node.minor_number)},
                {"fileMode", into("fileMode", node.mode)},
                {"permissions", [&](const Value& v) { return read_permissions(v, edits); }},
                {"uid", into("uid", node.uid)},
                {"gid", into("gid", node.gid)}}));
  if (!node.path.starts_with('/')) return wrong(value, "deviceNodes: an absolute path is missing");
  if (node.host_path.empty()) node.host_path = node.path;
  if (type != "" && type != "b" && type != "c" && type != "u" && type != "p") {
    return wrong(value, "type: \"{}\" is none of b, c, u and p", type);
  }
  if (!type.empty()) node.type = type[0] == 'u' ? 'c' : type[0];
  edits.nodes.push_back(std::move(node));
  return {};
}

Status read_mount(const Value& value, CdiEdits& edits) {
  CdiMount mount;
  std::string type;
  TRY(read_map(value, "mounts",
               {{"hostPath", into("hostPath", mount.host_path)},
                {"containerPath", into("containerPath", mount.container_path)},
                {"options", into("options", mount.options)},
                {"type", into("type", type)}}));
  if (mount.host_path.empty() || !mount.container_path.starts_with('/')) {
    return wrong(value, "mounts: hostPath and an absolute containerPath are needed");
  }
  if (!type.empty() && type != "bind" && type != "none") {
    edits.unsupported.push_back("a mount of type " + type);
  }
  edits.mounts.push_back(std::move(mount));
  return {};
}

Status read_hook(const Value& value, CdiEdits& edits) {
  CdiHook hook;
  TRY(read_map(value, "hooks",
               {{"hookName", into("hookName", hook.moment)},
                {"path", into("path", hook.path)},
                {"args", into("args", hook.args)},
                {"env", [&](const Value& v) { return read_env(v, hook.env); }},
                {"timeout", into("timeout", hook.timeout)}}));
  const std::vector<std::string> moments = {"prestart",       "createRuntime", "createContainer",
                                            "startContainer", "poststart",     "poststop"};
  if (std::ranges::find(moments, hook.moment) == moments.end()) {
    return wrong(value, "hookName: \"{}\" is not known{}", hook.moment,
                 did_you_mean(hook.moment, moments));
  }
  if (!hook.path.starts_with('/')) return wrong(value, "hooks: an absolute path is missing");
  edits.hooks.push_back(std::move(hook));
  return {};
}

Status read_gid(const Value& value, CdiEdits& edits) {
  const int64_t gid = TRY(number_of(value, "additionalGids", UINT32_MAX));
  if (gid != 0) edits.additional_gids.push_back(static_cast<uint32_t>(gid));
  return {};
}

Status read_edits(const Value& value, CdiEdits& edits) {
  const auto list = [&](const char* what, Status (*read)(const Value&, CdiEdits&)) -> Member {
    return {what, [what, read, &edits](const Value& items) {
              return each(items, what, [&](const Value& item) { return read(item, edits); });
            }};
  };
  const auto refused = [&](const char* what, const char* why) -> Member {
    return {what, [what, why, &edits](const Value&) -> Status {
              edits.unsupported.push_back(fmt::format("{} ({})", what, why));
              return {};
            }};
  };
  return read_map(value, "containerEdits",
                  {{"env", [&](const Value& v) { return read_env(v, edits.env); }},
                   list("deviceNodes", read_node),
                   list("mounts", read_mount),
                   list("hooks", read_hook),
                   list("additionalGids", read_gid),
                   refused("netDevices", "network namespaces are shared by steps"),
                   refused("intelRdt", "steps have no resource groups")});
}

Status read_device(const Value& value, CdiSpec& spec) {
  CdiDevice device;
  TRY(read_map(value, "devices",
               {{"name", into("name", device.name)},
                {"annotations", into_annotations(device.annotations)},
                {"containerEdits", [&](const Value& v) { return read_edits(v, device.edits); }}}));
  if (!is_name(device.name, "_-.:")) {
    return wrong(value, "devices: \"{}\" is no name of a device", device.name);
  }
  for (const CdiDevice& other : spec.devices) {
    if (other.name != device.name) continue;
    return wrong(value, "devices: {} is there twice", device.name);
  }
  if (device.edits.empty()) {
    return wrong(value, "devices: {} has no containerEdits", device.name);
  }
  spec.devices.push_back(std::move(device));
  return {};
}

// Any of major version 0 or 1: what is new in a minor one is a member that is not known here.
bool is_known_version(std::string_view version) {
  return version.starts_with("0.") || version.starts_with("1.");
}

}  // namespace

void CdiEdits::append(const CdiEdits& other) {
  const auto add = [](auto& to, const auto& from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  add(env, other.env);
  add(nodes, other.nodes);
  add(mounts, other.mounts);
  add(hooks, other.hooks);
  add(additional_gids, other.additional_gids);
  add(unsupported, other.unsupported);
}

Result<CdiSpec> parse_cdi_spec(std::string_view text, const std::string& file) {
  const std::vector<Value> documents = TRY(yaml::parse_yaml(text, file));
  if (documents.empty() || documents.front().is_null()) {
    return invalid_input("it is empty").at({file, 1, 1});
  }
  const Value& root = documents.front();
  CdiSpec spec;
  std::string version;
  TRY(read_map(root, "device specification",
               {{"cdiVersion", into("cdiVersion", version)},
                {"kind", into("kind", spec.kind)},
                {"annotations", into_annotations(spec.annotations)},
                {"devices",
                 [&](const Value& v) {
                   return each(v, "devices",
                               [&](const Value& item) { return read_device(item, spec); });
                 }},
                {"containerEdits", [&](const Value& v) { return read_edits(v, spec.edits); }}}));
  if (!is_known_version(version)) {
    return wrong(root, "cdiVersion: \"{}\" is not known: want 0.x or 1.x", version);
  }
  if (!is_kind(spec.kind)) {
    return wrong(root, "kind: \"{}\" is no VENDOR/CLASS", spec.kind);
  }
  if (spec.devices.empty()) return wrong(root, "devices: there are none");
  return spec;
}

}  // namespace slipway::executor
