#include "frontend/compose/keys.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/text.h"
#include "base/values.h"

namespace slipway::compose {
namespace {

using Keys = std::vector<std::string>;

const Keys& build_keys() {
  static const Keys keys = {"additional_contexts",
                            "args",
                            "cache_from",
                            "cache_to",
                            "context",
                            "dockerfile",
                            "dockerfile_inline",
                            "entitlements",
                            "extra_hosts",
                            "isolation",
                            "labels",
                            "network",
                            "no_cache",
                            "no_cache_filter",
                            "platforms",
                            "privileged",
                            "provenance",
                            "pull",
                            "sbom",
                            "secrets",
                            "shm_size",
                            "ssh",
                            "tags",
                            "target",
                            "ulimits"};
  return keys;
}

const Keys& model_keys() {
  static const Keys keys = {"configs",  "include", "jobs",     "models",  "name",
                            "networks", "secrets", "services", "version", "volumes"};
  return keys;
}

const Keys& service_keys() {
  static const Keys keys = {"annotations",
                            "attach",
                            "blkio_config",
                            "build",
                            "cap_add",
                            "cap_drop",
                            "cgroup",
                            "cgroup_parent",
                            "command",
                            "configs",
                            "container_name",
                            "cpu_count",
                            "cpu_percent",
                            "cpu_period",
                            "cpu_quota",
                            "cpu_rt_period",
                            "cpu_rt_runtime",
                            "cpu_shares",
                            "cpus",
                            "cpuset",
                            "credential_spec",
                            "depends_on",
                            "deploy",
                            "develop",
                            "device_cgroup_rules",
                            "devices",
                            "dns",
                            "dns_opt",
                            "dns_search",
                            "domainname",
                            "entrypoint",
                            "env_file",
                            "environment",
                            "expose",
                            "extends",
                            "external_links",
                            "extra_hosts",
                            "gpus",
                            "group_add",
                            "healthcheck",
                            "hostname",
                            "image",
                            "init",
                            "ipc",
                            "isolation",
                            "label_file",
                            "labels",
                            "links",
                            "logging",
                            "mac_address",
                            "mem_limit",
                            "mem_reservation",
                            "mem_swappiness",
                            "memswap_limit",
                            "models",
                            "network_mode",
                            "networks",
                            "oom_kill_disable",
                            "oom_score_adj",
                            "pid",
                            "pids_limit",
                            "platform",
                            "ports",
                            "post_start",
                            "pre_start",
                            "pre_stop",
                            "privileged",
                            "profiles",
                            "provider",
                            "pull_policy",
                            "pull_refresh_after",
                            "read_only",
                            "restart",
                            "runtime",
                            "scale",
                            "secrets",
                            "security_opt",
                            "shm_size",
                            "stdin_open",
                            "stop_grace_period",
                            "stop_signal",
                            "storage_opt",
                            "sysctls",
                            "tmpfs",
                            "tty",
                            "ulimits",
                            "use_api_socket",
                            "user",
                            "userns_mode",
                            "uts",
                            "volumes",
                            "volumes_from",
                            "working_dir"};
  return keys;
}

bool is_known(const Keys& keys, const std::string& name) {
  return name.starts_with("x-") || std::find(keys.begin(), keys.end(), name) != keys.end();
}

SourceSpan line_of(const Value& member) {
  return {member.span.file, member.span.first_line, member.span.first_line};
}

Status check_slips(const Value& map, const Keys& keys, std::string_view where) {
  for (const auto& [name, member] : map.members) {
    if (is_known(keys, name)) continue;
    const std::string suggestion = did_you_mean(name, keys);
    if (suggestion.empty()) continue;
    return make_error(ErrorCode::InvalidInput, "{}unknown key '{}'{}", where, name, suggestion)
        .at(line_of(member));
  }
  return {};
}

const Keys& secret_keys() {
  static const Keys keys = {"driver", "driver_opts", "environment", "external",
                            "file",   "labels",      "name",        "template_driver"};
  return keys;
}

// What builds may use has to be well-formed, used or not.
Status check_secrets(const Value& secrets) {
  for (const auto& [name, secret] : secrets.members) {
    if (secret.merge == Value::Merge::Reset) continue;
    if (!secret.is_map()) {
      return invalid_input("secrets.{} must be a mapping", name).at(line_of(secret));
    }
    for (const auto& [key, member] : secret.members) {
      if (is_known(secret_keys(), key)) continue;
      return invalid_input("secrets.{} additional properties '{}' not allowed{}", name, key,
                           did_you_mean(key, secret_keys()))
          .at(line_of(member));
    }
  }
  return {};
}

}  // namespace

Status check_build_keys(const Value& build, std::string_view service) {
  for (const auto& [name, member] : build.members) {
    const bool is_reset = member.merge == Value::Merge::Reset;
    if (member.is_null() && !is_reset && !name.starts_with("x-")) {
      return make_error(ErrorCode::InvalidInput, "services.{}.build.{} has no value", service, name)
          .at(line_of(member));
    }
    if (is_known(build_keys(), name)) continue;
    return make_error(ErrorCode::InvalidInput,
                      "services.{}.build additional properties '{}' not allowed{}", service, name,
                      did_you_mean(name, build_keys()))
        .at(line_of(member));
  }
  return {};
}

Status check_model_keys(const Value& root) {
  TRY(check_slips(root, model_keys(), ""));
  if (const Value* secrets = root.find("secrets")) TRY(check_secrets(*secrets));
  const Value* services = root.find("services");
  if (services == nullptr) return {};
  for (const auto& [name, service] : services->members) {
    TRY(check_slips(service, service_keys(), "services." + name + ": "));
  }
  return {};
}

}  // namespace slipway::compose
