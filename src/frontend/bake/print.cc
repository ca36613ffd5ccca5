#include "frontend/bake/resolve.h"
#include "oci/json_writer.h"

namespace slipway::bake {
namespace {

// "${" and "%{" would be templates when the output is read again.
std::string escaped(const std::string& text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool opens = i + 1 < text.size() && text[i + 1] == '{';
    if (opens && (text[i] == '$' || text[i] == '%')) result += text[i];
    result += text[i];
  }
  return result;
}

std::map<std::string, std::string> escaped(std::map<std::string, std::string> members) {
  for (auto& [key, value] : members) value = escaped(value);
  return members;
}

void optional_text(JsonWriter& json, std::string_view name,
                   const std::optional<std::string>& value) {
  if (value) json.key(name).string(*value);
}

void optional_bool(JsonWriter& json, std::string_view name, const std::optional<bool>& value) {
  if (value) json.key(name).boolean(*value);
}

void optional_list(JsonWriter& json, std::string_view name,
                   const std::optional<std::vector<std::string>>& values) {
  if (values) json.optional(name, *values);
}

void optional_fields(JsonWriter& json, std::string_view name,
                     const std::optional<std::vector<Fields>>& entries) {
  if (!entries || entries->empty()) return;
  json.key(name).begin_array();
  for (const Fields& fields : *entries) json.map(fields);
  json.end_array();
}

void write_attestation(JsonWriter& json, const Attestation& attestation) {
  // One sorted object: attributes, "disabled" and "type".
  Fields fields = attestation.attributes;
  fields["type"] = attestation.type;
  if (attestation.disabled) fields["disabled"] = "";
  json.begin_object();
  for (const auto& [key, value] : fields) {
    json.key(key);
    if (key == "disabled" && attestation.disabled) {
      json.boolean(true);
    } else {
      json.string(value);
    }
  }
  json.end_object();
}

template <typename T, typename Write>
void optional_objects(JsonWriter& json, std::string_view name,
                      const std::optional<std::vector<T>>& entries, Write write) {
  if (!entries || entries->empty()) return;
  json.key(name).begin_array();
  for (const T& entry : *entries) write(json, entry);
  json.end_array();
}

void write_secret(JsonWriter& json, const SecretSpec& secret) {
  json.begin_object();
  json.optional("id", secret.id);
  json.optional("src", secret.file);
  json.optional("env", secret.env);
  json.end_object();
}

void write_ssh(JsonWriter& json, const SshSpec& ssh) {
  json.begin_object();
  json.optional("id", ssh.id);
  json.optional("paths", ssh.paths);
  json.end_object();
}

void write_resources(JsonWriter& json, const ResourceLimits& limits) {
  const auto number = [&](std::string_view name, const std::optional<int64_t>& value) {
    if (value) json.key(name).number(*value);
  };
  json.key("resources").begin_object();
  optional_text(json, "memory", limits.memory);
  optional_text(json, "memory-swap", limits.memory_swap);
  number("cpu-shares", limits.cpu_shares);
  number("cpu-period", limits.cpu_period);
  number("cpu-quota", limits.cpu_quota);
  optional_text(json, "cpuset-cpus", limits.cpuset_cpus);
  optional_text(json, "cpuset-mems", limits.cpuset_mems);
  json.end_object();
}

// The one entry whose names buildx does not spell as it reads them.
void write_policy(JsonWriter& json, const PolicySpec& policy) {
  json.begin_object();
  json.key("Files");
  if (policy.files.empty()) {
    json.null();
  } else {
    json.begin_array();
    for (const std::string& file : policy.files) {
      json.begin_object();
      json.key("Filename").string(file);
      json.key("Data").null();
      json.end_object();
    }
    json.end_array();
  }
  json.key("Reset").boolean(policy.reset);
  json.key("Disabled").boolean(policy.disabled);
  json.key("Strict");
  policy.strict ? json.boolean(*policy.strict) : json.null();
  json.key("LogLevel");
  policy.log_level ? json.string(*policy.log_level) : json.null();
  json.end_object();
}

void write_target(JsonWriter& json, const TargetDefinition& target) {
  json.begin_object();
  json.optional("description", target.description);
  std::vector<std::string> annotations = target.annotations.value_or(std::vector<std::string>());
  for (std::string& annotation : annotations) annotation = escaped(annotation);
  json.optional("annotations", annotations);
  optional_objects(json, "attest", target.attest, write_attestation);
  optional_text(json, "context", target.context);
  json.optional("contexts", target.contexts);
  optional_text(json, "dockerfile", target.dockerfile);
  if (target.dockerfile_inline) {
    json.key("dockerfile-inline").string(escaped(*target.dockerfile_inline));
  }
  json.optional("args", escaped(target.args));
  json.optional("labels", escaped(target.labels));
  optional_list(json, "tags", target.tags);
  optional_fields(json, "cache-from", target.cache_from);
  optional_fields(json, "cache-to", target.cache_to);
  optional_text(json, "target", target.target);
  optional_objects(json, "secret", target.secrets, write_secret);
  optional_objects(json, "ssh", target.ssh, write_ssh);
  optional_list(json, "platforms", target.platforms);
  optional_fields(json, "output", target.outputs);
  optional_bool(json, "pull", target.pull);
  optional_bool(json, "no-cache", target.no_cache);
  optional_text(json, "network", target.network);
  optional_list(json, "no-cache-filter", target.no_cache_filter);
  optional_text(json, "shm-size", target.shm_size);
  optional_list(json, "ulimits", target.ulimits);
  if (target.resources) write_resources(json, *target.resources);
  optional_text(json, "call", target.call);
  optional_list(json, "entitlements", target.entitlements);
  json.optional("extra-hosts", escaped(target.extra_hosts));
  optional_objects(json, "policy", target.policy, write_policy);
  json.end_object();
}

}  // namespace

std::string print(const Resolved& resolved) {
  JsonWriter json(2);
  json.begin_object();
  if (!resolved.groups.empty()) {
    json.key("group").begin_object();
    for (const auto& [name, group] : resolved.groups) {
      json.key(name).begin_object();
      json.optional("description", group.description);
      json.key("targets");
      if (group.targets.empty()) {
        json.null();
      } else {
        json.strings(group.targets);
      }
      json.end_object();
    }
    json.end_object();
  }
  json.key("target").begin_object();
  for (const auto& [name, target] : resolved.targets) {
    json.key(name);
    write_target(json, target);
  }
  json.end_object();
  json.end_object();
  return json.take();
}

}  // namespace slipway::bake
