#include "frontend/bake/override.h"

#include <algorithm>
#include <utility>

#include "base/pattern_matcher.h"
#include "base/text.h"
#include "base/unicode.h"
#include "base/values.h"
#include "frontend/bake/spec.h"

namespace slipway::bake {
namespace {

template <typename... Args>
Error invalid(fmt::format_string<Args...> format, Args&&... args) {
  return make_error(ErrorCode::InvalidInput, format, std::forward<Args>(args)...);
}

enum class KeyKind { Text, List, Map, Secret };

struct KeySpec {
  std::string_view name;
  std::string_view plural;  // another name; empty: none
  KeyKind kind;
};
constexpr KeySpec kKeys[] = {
    {"annotation", "annotations", KeyKind::List},
    {"arg", "args", KeyKind::Map},
    {"attest", "", KeyKind::List},
    {"cache-from", "", KeyKind::List},
    {"cache-to", "", KeyKind::List},
    {"call", "", KeyKind::Text},
    {"context", "", KeyKind::Text},
    {"contexts", "", KeyKind::Map},
    {"dockerfile", "", KeyKind::Text},
    {"entitlement", "entitlements", KeyKind::List},
    {"extra-host", "extra-hosts", KeyKind::Map},
    {"label", "labels", KeyKind::Map},
    {"load", "", KeyKind::Text},
    {"network", "", KeyKind::Text},
    {"no-cache", "", KeyKind::Text},
    {"no-cache-filter", "", KeyKind::List},
    {"output", "", KeyKind::List},
    {"platform", "platforms", KeyKind::List},
    {"policy", "", KeyKind::List},
    {"pull", "", KeyKind::Text},
    {"push", "", KeyKind::Text},
    {"resource", "resources", KeyKind::Map},
    {"secret", "secrets", KeyKind::Secret},
    {"shm-size", "", KeyKind::Text},
    {"ssh", "", KeyKind::List},
    {"tag", "tags", KeyKind::List},
    {"target", "", KeyKind::Text},
    {"ulimit", "ulimits", KeyKind::List},
};

Result<KeySpec> find_key(std::string_view name) {
  std::vector<std::string> names;
  for (const KeySpec& key : kKeys) {
    if (key.name == name || (!key.plural.empty() && key.plural == name)) return key;
    names.emplace_back(key.plural.empty() ? key.name : key.plural);
  }
  return invalid("unknown key: {}{}", name, did_you_mean(name, names));
}

Result<std::vector<std::string>> matching_targets(const Definitions& definitions,
                                                  const std::string& pattern) {
  std::vector<std::string> names;
  for (const TargetDefinition& target : definitions.targets) {
    if (target.name == pattern) return std::vector{pattern};
    if (TRY(name_matches(pattern, target.name))) names.push_back(target.name);
  }
  if (names.empty()) return invalid("could not find any target matching '{}'", pattern);
  return names;
}

// One --set text, taken apart.
struct Setting {
  std::string pattern;
  KeySpec key;
  std::string subkey;  // empty: none
  std::string written_key;
  std::optional<std::string> value;
  bool append = false;
};

Result<Setting> parse_setting(const std::string& text) {
  const size_t equals = text.find('=');
  std::string key = text.substr(0, equals);
  Setting setting;
  setting.written_key = key;
  setting.append = key.ends_with('+');
  if (setting.append) key.pop_back();
  const size_t first = key.find('.');
  if (first == std::string::npos) {
    return invalid("invalid override key {}, expected target.name", key);
  }
  const size_t second = key.find('.', first + 1);
  setting.pattern = key.substr(0, first);
  const std::string name =
      key.substr(first + 1, second == std::string::npos ? second : second - first - 1);
  setting.key = TRY(find_key(name));
  if (second != std::string::npos) setting.subkey = key.substr(second + 1);
  if (equals != std::string::npos) setting.value = text.substr(equals + 1);
  if (!setting.value && setting.key.name != "arg") {
    return invalid("invalid override {}, expected target.name=value", text);
  }
  const bool takes_subkey = setting.key.kind == KeyKind::Map || setting.key.kind == KeyKind::Secret;
  if (second != std::string::npos && (!takes_subkey || name == "secrets")) {
    return invalid("invalid key {}, {} does not support subkeys", setting.written_key,
                   setting.key.name);
  }
  if (second == std::string::npos && setting.key.kind == KeyKind::Map) {
    return invalid("invalid key {}, {} requires name", setting.written_key, setting.key.name);
  }
  if (setting.key.name == "resource" && setting.append) {
    return invalid("invalid key {}, resource does not support append", setting.written_key);
  }
  if (setting.key.kind == KeyKind::Secret && second != std::string::npos && setting.append) {
    return invalid("invalid key {}, secret does not support append", setting.written_key);
  }
  return setting;
}

void add_to_list(const Setting& setting, Override& target) {
  if (!setting.append && setting.value->empty()) {
    target.clear = true;
    target.values.clear();
  } else {
    target.values.push_back(*setting.value);
  }
  target.append = setting.append && !target.clear;
}

template <typename T>
void set_list(std::optional<std::vector<T>>& list, std::vector<T> values, bool append) {
  if (!append || !list) {
    list = std::move(values);
    return;
  }
  for (T& value : values) list->push_back(std::move(value));
}

template <typename T>
void set_merged(std::optional<std::vector<T>>& list, std::vector<T> values, bool append) {
  set_list(list, std::move(values), append);
  if (append) *list = merged(std::move(*list));
}

Result<bool> bool_of(std::string_view key, const std::string& value) {
  const Result<bool> parsed = parse_bool(value);
  if (!parsed) return invalid("invalid value {} for boolean key {}", value, key);
  return *parsed;
}

std::string type_of(const Fields& output) {
  const auto type = output.find("type");
  return type == output.end() ? "" : type->second;
}

void set_push(std::optional<std::vector<Fields>>& outputs, bool push) {
  if (!outputs) outputs.emplace();
  if (!push) {
    for (size_t i = 0; i < outputs->size();) {
      if (type_of((*outputs)[i]) == "registry") {
        std::swap((*outputs)[i], outputs->back());
        outputs->pop_back();
        continue;
      }
      if (type_of((*outputs)[i]) == "image") (*outputs)[i]["push"] = "false";
      ++i;
    }
    return;
  }
  bool add = true;
  for (Fields& output : *outputs) {
    if (type_of(output) != "docker") add = false;
    if (type_of(output) == "image") output["push"] = "true";
  }
  if (add) outputs->push_back({{"type", "image"}, {"push", "true"}});
}

void set_load(std::optional<std::vector<Fields>>& outputs, bool load) {
  if (!outputs) outputs.emplace();
  if (!load) return;
  for (const Fields& output : *outputs) {
    const std::string type = type_of(output);
    const bool is_image = type == "image" || type == "registry" || type == "oci";
    if (type == "docker" ? !output.contains("dest") : !is_image) return;
  }
  outputs->push_back({{"type", "docker"}});
}

// secret.ID=...: another source for a secret that is declared.
Status set_secret(TargetDefinition& target, const std::string& id, const std::string& value) {
  if (target.secrets) {
    for (SecretSpec& secret : *target.secrets) {
      if (secret.id != id) continue;
      const SecretSpec next = TRY(parse_secret(value));
      if (!next.id.empty() && next.id != id) {
        return invalid("secret override id {} does not match declared secret {}", go_quote(next.id),
                       go_quote(id));
      }
      secret.env = next.env;
      secret.file = next.file;
      return {};
    }
  }
  return invalid("secret {} must be declared before it can be overridden", go_quote(id));
}

Status apply_list(std::string_view key, const Override& setting, TargetDefinition& target) {
  const std::vector<std::string>& values = setting.values;
  if (key == "tag") {
    set_list(target.tags, values, setting.append);
  } else if (key == "platform") {
    set_list(target.platforms, values, setting.append);
  } else if (key == "no-cache-filter") {
    set_list(target.no_cache_filter, values, setting.append);
  } else if (key == "ulimit") {
    set_list(target.ulimits, values, setting.append);
  } else if (key == "cache-from") {
    set_merged(target.cache_from, TRY(parse_caches(values)), setting.append);
  } else if (key == "cache-to") {
    set_merged(target.cache_to, TRY(parse_caches(values)), setting.append);
  } else if (key == "output") {
    set_merged(target.outputs, TRY(parse_outputs(values)), setting.append);
  } else if (key == "ssh") {
    set_merged(target.ssh, parse_ssh_list(values), setting.append);
  } else if (key == "entitlement") {
    set_list(target.entitlements, values, !setting.clear);
  } else if (key == "annotation") {
    set_list(target.annotations, values, !setting.clear);
  } else if (key == "policy") {
    std::vector<PolicySpec> policies;
    for (const std::string& text : values) policies.push_back(TRY(parse_policy(text)));
    set_list(target.policy, std::move(policies), setting.append);
  } else if (key == "attest") {
    std::vector<Attestation> attestations;
    for (const std::string& text : values) {
      if (!text.empty()) attestations.push_back(TRY(parse_attestation(text)));
    }
    set_list(target.attest, std::move(attestations), !setting.clear);
    *target.attest = merged(std::move(*target.attest));
  }
  return {};
}

Status apply_text(std::string_view key, const std::string& value, TargetDefinition& target) {
  if (key == "context") {
    target.context = value;
  } else if (key == "dockerfile") {
    target.dockerfile = value;
  } else if (key == "target") {
    target.target = value;
  } else if (key == "call") {
    target.call = value;
  } else if (key == "shm-size") {
    target.shm_size = value;
  } else if (key == "network") {
    target.network = value;
  } else if (key == "no-cache") {
    target.no_cache = TRY(bool_of(key, value));
  } else if (key == "pull") {
    target.pull = TRY(bool_of(key, value));
  } else if (key == "push") {
    set_push(target.outputs, TRY(bool_of(key, value)));
  } else if (key == "load") {
    set_load(target.outputs, TRY(bool_of(key, value)));
  }
  return {};
}

Status apply_member(std::string_view key, const std::string& name, const std::string& value,
                    TargetDefinition& target) {
  if (key == "arg") target.args[name] = value;
  if (key == "contexts") target.contexts[name] = value;
  if (key == "label") target.labels[name] = value;
  if (key == "extra-host") target.extra_hosts[name] = value;
  if (key == "resource") {
    if (!target.resources) target.resources.emplace();
    return set_resource(*target.resources, name, value);
  }
  return {};
}

Status apply_one(const std::string& written, const Override& setting, TargetDefinition& target) {
  const size_t dot = written.find('.');
  const std::string subkey = dot == std::string::npos ? "" : written.substr(dot + 1);
  const KeySpec key = TRY(find_key(written.substr(0, dot)));
  switch (key.kind) {
    case KeyKind::Text:
      return apply_text(key.name, setting.value, target);
    case KeyKind::List:
      return apply_list(key.name, setting, target);
    case KeyKind::Map:
      return apply_member(key.name, subkey, setting.value, target);
    case KeyKind::Secret:
      if (dot != std::string::npos) return set_secret(target, subkey, setting.value);
      set_merged(target.secrets, TRY(parse_secrets(setting.values)), setting.append);
      return {};
  }
  return {};
}

}  // namespace

Result<bool> name_matches(std::string_view pattern, std::string_view name) {
  if (pattern.starts_with('!')) return pattern == name;  // no exclusion here
  const auto matcher = PatternMatcher::create({std::string(pattern)});
  if (!matcher)
    return invalid("could not match targets with '{}': syntax error in pattern", pattern);
  return matcher->matches(name);
}

Result<Overrides> parse_overrides(const std::vector<std::string>& texts,
                                  const Definitions& definitions,
                                  const EnvironmentLookup& environment) {
  Overrides overrides;
  for (const std::string& text : texts) {
    Setting setting = TRY(parse_setting(text).context("read --set " + text));
    if (!setting.value) {
      setting.value = environment ? environment(setting.subkey) : std::nullopt;
      if (!setting.value) continue;  // not set: the argument stays as it is
    }
    std::string key(setting.key.name);
    if (!setting.subkey.empty()) key += "." + setting.subkey;
    for (const std::string& name : TRY(matching_targets(definitions, setting.pattern))) {
      Override& target = overrides[name][key];
      const bool list = setting.key.kind == KeyKind::List ||
                        (setting.key.kind == KeyKind::Secret && setting.subkey.empty());
      if (list) {
        add_to_list(setting, target);
      } else {
        target.value = *setting.value;
      }
    }
  }
  return overrides;
}

Status apply_overrides(const std::map<std::string, Override>& overrides, TargetDefinition& target) {
  // Outputs before push and load, which look at them; whole secrets before single ones.
  constexpr std::string_view kLast[] = {"load", "push"};
  const auto is_last = [&](const std::string& key) {
    return key == kLast[0] || key == kLast[1] || key.starts_with("secret.");
  };
  for (const bool last : {false, true}) {
    for (const auto& [key, setting] : overrides) {
      if (is_last(key) == last) TRY(apply_one(key, setting, target));
    }
  }
  return {};
}

std::vector<std::string> override_texts(const CommonFlags& flags) {
  std::vector<std::string> texts;
  if (flags.push) texts.push_back("*.push=true");
  if (flags.load) texts.push_back("*.load=true");
  if (flags.no_cache) texts.push_back(fmt::format("*.no-cache={}", *flags.no_cache));
  if (flags.pull) texts.push_back(fmt::format("*.pull={}", *flags.pull));
  for (const auto& [type, value] :
       {std::pair("sbom", flags.sbom), std::pair("provenance", flags.provenance)}) {
    if (value.empty()) continue;
    const Result<bool> on = parse_bool(value);
    texts.push_back(on ? fmt::format("*.attest=type={},disabled={}", type, !*on)
                       : fmt::format("*.attest=type={},{}", type, value));
  }
  return texts;
}

}  // namespace slipway::bake
