#include "ops/exec_cache_map.h"

#include <algorithm>
#include <filesystem>

#include "base/check.h"
#include "base/text.h"
#include "oci/json_writer.h"
#include "oci/platform.h"

namespace slipway::ops {
namespace {

using graph::kNone;
using graph::Mount;

const graph::ExecOp& op_of(const graph::Vertex& vertex) {
  const auto* op = std::get_if<graph::ExecOp>(&vertex.op);
  CHECK(op != nullptr);
  return *op;
}

// "/a/b" of whatever a selector says.
std::string rooted(const std::string& selector) {
  std::string path = std::filesystem::path("/" + selector).lexically_normal().string();
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path.starts_with("//") ? path.substr(1) : path;
}

// An id that a Dockerfile gives a cache mount by itself stays in the key, one given by hand
// does not: renaming a cache must not run the step again.
bool keeps_cache_options(const Mount& mount) {
  if (mount.cache->sharing != graph::CacheSharing::Shared) return false;
  if (mount.cache->id == mount.dest) return true;
  const size_t slash = mount.cache->id.find('/');  // NAMESPACE/DEST
  return slash != std::string::npos && mount.cache->id.substr(slash + 1) == mount.dest;
}

// The one mount of a plain RUN was once left out of the key; for compatibility it still is.
bool is_plain_root(const std::vector<Mount>& mounts) {
  if (mounts.size() != 1) return false;
  const Mount& root = mounts.front();
  return root.dest == "/" && !root.readonly && root.type == graph::MountType::Bind && !root.cache &&
         !root.ssh && !root.secret;
}

void optional_flag(JsonWriter& json, std::string_view name, bool value) {
  if (value) json.key(name).boolean(true);
}

template <typename Option>
void write_owned(JsonWriter& json, std::string_view name, const Option& option) {
  json.key(name).begin_object();
  json.optional("ID", option.id).optional("uid", int64_t{option.uid});
  json.optional("gid", int64_t{option.gid}).optional("mode", int64_t{option.mode});
  optional_flag(json, "optional", option.optional);
  json.end_object();
}

void write_mount(JsonWriter& json, const Mount& mount) {
  json.begin_object();
  json.optional("input", mount.input).optional("dest", mount.dest);
  json.optional("output", mount.output);
  optional_flag(json, "readonly", mount.readonly);
  json.optional("mountType", static_cast<int64_t>(mount.type));
  if (mount.tmpfs) {
    json.key("TmpfsOpt").begin_object().optional("size", mount.tmpfs->size).end_object();
  }
  if (mount.cache) {
    json.key("cacheOpt").begin_object();
    if (keeps_cache_options(mount)) json.optional("ID", mount.cache->id);
    json.end_object();
  }
  if (mount.secret) write_owned(json, "secretOpt", *mount.secret);
  if (mount.ssh) write_owned(json, "SSHOpt", *mount.ssh);
  json.optional("contentCache", static_cast<int64_t>(mount.content_cache));
  json.end_object();
}

void write_meta(JsonWriter& json, const graph::ExecOp& op) {
  json.key("meta").begin_object();
  json.optional("args", op.args).optional("env", op.env);
  json.optional("cwd", op.cwd).optional("user", op.user);
  if (!op.extra_hosts.empty()) {
    json.key("extraHosts").begin_array();
    for (const graph::HostIp& host : op.extra_hosts) {
      json.begin_object().optional("Host", host.host).end_object();
    }
    json.end_array();
  }
  json.optional("hostname", op.hostname);
  if (!op.ulimit.empty()) {
    json.key("ulimit").begin_array();
    for (const graph::Ulimit& limit : op.ulimit) {
      json.begin_object().optional("Name", limit.name);
      json.optional("Soft", limit.soft).optional("Hard", limit.hard).end_object();
    }
    json.end_array();
  }
  json.optional("cgroupParent", op.cgroup_parent);
  optional_flag(json, "removeMountStubsRecursive", op.remove_mount_stubs_recursive);
  if (!op.valid_exit_codes.empty()) {
    json.key("validExitCodes").begin_array();
    for (const int32_t code : op.valid_exit_codes) json.number(code);
    json.end_array();
  }
  json.end_object();
}

void write_named(JsonWriter& json, const graph::ExecOp& op) {
  if (!op.secret_env.empty()) {
    json.key("secretenv").begin_array();
    for (const graph::SecretEnv& secret : op.secret_env) {
      json.begin_object().optional("ID", secret.id).optional("name", secret.name);
      optional_flag(json, "optional", secret.optional);
      json.end_object();
    }
    json.end_array();
  }
  if (!op.cdi_devices.empty()) {
    json.key("cdiDevices").begin_array();
    for (const graph::CdiDevice& device : op.cdi_devices) {
      json.begin_object().optional("name", device.name);
      optional_flag(json, "optional", device.optional);
      json.end_object();
    }
    json.end_array();
  }
}

// As Go's encoding/json writes BuildKit's struct.
std::string key_text(const graph::ExecOp& op, const Platform& platform) {
  JsonWriter json;
  json.begin_object().key("Type").string("buildkit.exec.v0");
  json.key("Exec").begin_object();
  write_meta(json, op);
  if (!is_plain_root(op.mounts)) {
    json.key("mounts").begin_array();
    for (const Mount& mount : op.mounts) write_mount(json, mount);
    json.end_array();
  }
  json.optional("network", static_cast<int64_t>(op.network));
  json.optional("security", static_cast<int64_t>(op.security));
  write_named(json, op);
  json.end_object();
  json.key("OS").string(platform.os).key("Arch").string(platform.architecture);
  json.optional("Variant", platform.variant).optional("OSVersion", platform.os_version);
  json.optional("OSFeatures", platform.os_features);
  json.end_object();
  return json.take();
}

bool reads_its_input(const Mount& mount) {
  return mount.input != kNone && mount.type != graph::MountType::Secret &&
         mount.type != graph::MountType::Ssh && mount.type != graph::MountType::Tmpfs;
}

// Whether a key made of the selected content alone is right. Where the op writes to a part of its
// input and the result is the whole input, it is not: unselected files would come from whatever
// input the earlier build had.
Result<bool> by_content(const Mount& mount) {
  const bool safe = mount.output == kNone || mount.readonly || rooted(mount.selector) == "/";
  switch (mount.content_cache) {
    case graph::ContentCache::Off:
      return false;
    case graph::ContentCache::On:
      if (safe) return true;
      return make_error(ErrorCode::InvalidInput, "mount {}: its content cannot be a cache key",
                        mount.dest);
    case graph::ContentCache::Default:
      // Hashing a whole root costs more than it saves.
      return safe && mount.dest != "/";
  }
  __builtin_unreachable();
}

// Every mount's selector of input `index`, in order.
std::vector<std::string> all_selectors(const graph::ExecOp& op, size_t index) {
  std::vector<std::string> selectors;
  for (const Mount& mount : op.mounts) {
    if (reads_its_input(mount) && static_cast<size_t>(mount.input) == index) {
      selectors.push_back(rooted(mount.selector));
    }
  }
  return selectors;
}

}  // namespace

Result<solver::CacheMap> exec_cache_map(const graph::Vertex& vertex) {
  const graph::ExecOp& op = op_of(vertex);
  solver::CacheMap map;
  map.digest = Digest::sha256_of(key_text(op, vertex.platform.value_or(Platform::host())));
  map.inputs.resize(vertex.inputs.size());
  map.outputs = static_cast<size_t>(
      std::ranges::count_if(op.mounts, [](const Mount& mount) { return mount.output != kNone; }));
  for (const Mount& mount : op.mounts) {
    if (!reads_its_input(mount)) continue;
    if (mount.input < 0 || static_cast<size_t>(mount.input) >= map.inputs.size()) {
      return make_error(ErrorCode::InvalidInput, "mount {}: there is no input {}", mount.dest,
                        mount.input);
    }
    // Of several mounts of one input the last decides, as in BuildKit.
    map.inputs[static_cast<size_t>(mount.input)].by_content = TRY(by_content(mount));
  }
  for (size_t i = 0; i < map.inputs.size(); ++i) {
    const std::vector<std::string> selectors = all_selectors(op, i);
    if (selectors.empty()) continue;
    map.inputs[i].selector = Digest::sha256_of(join(selectors, std::string_view("\0", 1)));
  }
  return map;
}

std::vector<std::string> exec_selectors(const graph::Vertex& vertex, size_t index) {
  std::vector<std::string> selectors = all_selectors(op_of(vertex), index);
  std::ranges::sort(selectors);
  const auto repeated = std::ranges::unique(selectors);
  selectors.erase(repeated.begin(), repeated.end());
  std::vector<std::string> outermost;
  for (const std::string& path : selectors) {
    if (path == "/") return {};
    const bool covered = std::ranges::any_of(selectors, [&path](const std::string& other) {
      return other != path && path.starts_with(other + "/");
    });
    if (!covered) outermost.push_back(path);
  }
  return outermost;
}

}  // namespace slipway::ops
