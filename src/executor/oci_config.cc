#include "executor/oci_config.h"

#include <sys/prctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/text.h"
#include "executor/seccomp_profile.h"

namespace slipway::executor {
namespace {

using Json = nlohmann::json;

// Docker's default set. Nothing is inheritable or ambient: a process of another user than root
// holds none of them after its exec.
constexpr std::array kDefaultCapabilities = {
    "CAP_CHOWN",   "CAP_DAC_OVERRIDE", "CAP_FSETID",           "CAP_FOWNER",
    "CAP_MKNOD",   "CAP_NET_RAW",      "CAP_SETGID",           "CAP_SETUID",
    "CAP_SETFCAP", "CAP_SETPCAP",      "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT",
    "CAP_KILL",    "CAP_AUDIT_WRITE"};

// By number (linux/capability.h): the position is the number.
constexpr std::array kAllCapabilities = {"CAP_CHOWN",
                                         "CAP_DAC_OVERRIDE",
                                         "CAP_DAC_READ_SEARCH",
                                         "CAP_FOWNER",
                                         "CAP_FSETID",
                                         "CAP_KILL",
                                         "CAP_SETGID",
                                         "CAP_SETUID",
                                         "CAP_SETPCAP",
                                         "CAP_LINUX_IMMUTABLE",
                                         "CAP_NET_BIND_SERVICE",
                                         "CAP_NET_BROADCAST",
                                         "CAP_NET_ADMIN",
                                         "CAP_NET_RAW",
                                         "CAP_IPC_LOCK",
                                         "CAP_IPC_OWNER",
                                         "CAP_SYS_MODULE",
                                         "CAP_SYS_RAWIO",
                                         "CAP_SYS_CHROOT",
                                         "CAP_SYS_PTRACE",
                                         "CAP_SYS_PACCT",
                                         "CAP_SYS_ADMIN",
                                         "CAP_SYS_BOOT",
                                         "CAP_SYS_NICE",
                                         "CAP_SYS_RESOURCE",
                                         "CAP_SYS_TIME",
                                         "CAP_SYS_TTY_CONFIG",
                                         "CAP_MKNOD",
                                         "CAP_LEASE",
                                         "CAP_AUDIT_WRITE",
                                         "CAP_AUDIT_CONTROL",
                                         "CAP_SETFCAP",
                                         "CAP_MAC_OVERRIDE",
                                         "CAP_MAC_ADMIN",
                                         "CAP_SYSLOG",
                                         "CAP_WAKE_ALARM",
                                         "CAP_BLOCK_SUSPEND",
                                         "CAP_AUDIT_READ",
                                         "CAP_PERFMON",
                                         "CAP_BPF",
                                         "CAP_CHECKPOINT_RESTORE"};

constexpr std::array kRlimitNames = {
    "as",   "core",   "cpu",   "data", "fsize",  "locks",  "memlock",    "msgqueue",
    "nice", "nofile", "nproc", "rss",  "rtprio", "rttime", "sigpending", "stack"};

constexpr std::array kMaskedPaths = {
    "/proc/acpi",       "/proc/asound",      "/proc/interrupts",
    "/proc/kcore",      "/proc/keys",        "/proc/latency_stats",
    "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
    "/proc/scsi",       "/sys/firmware",     "/sys/devices/virtual/powercap"};
constexpr std::array kReadonlyPaths = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                       "/proc/sysrq-trigger"};

// Bound from the host one by one onto a nodev /dev: with no device cgroup, a node that the step
// makes itself must not open (see "Devices" in docs/executor.md).
constexpr std::array kDevices = {"/dev/null",   "/dev/zero",    "/dev/full",
                                 "/dev/random", "/dev/urandom", "/dev/tty"};

Json mount_entry(const std::string& destination, const std::string& type, const std::string& source,
                 std::vector<std::string> options) {
  return {{"destination", destination},
          {"type", type},
          {"source", source},
          {"options", std::move(options)}};
}

Json bound_device(const std::string& path) {
  return mount_entry(path, "bind", path, {"bind", "nosuid", "noexec"});
}

Json sys_mount(const OciConfigInput& input) {
  // A fresh sysfs belongs to a network namespace; in a user namespace the host's cannot be had.
  if (input.in_user_namespace && input.network_namespace.empty()) {
    return mount_entry("/sys", "bind", "/sys", {"rbind", "nosuid", "noexec", "nodev", "ro"});
  }
  std::vector<std::string> options = {"nosuid", "noexec", "nodev"};
  if (!input.spec.insecure) options.push_back("ro");
  return mount_entry("/sys", "sysfs", "sysfs", std::move(options));
}

// Loop devices are what steps with all privileges usually want: image builders.
void add_loop_devices(Json& mounts) {
  std::vector<std::string> names = {"/dev/loop-control", "/dev/fuse"};
  for (int i = 0; i < 8; ++i) names.push_back(fmt::format("/dev/loop{}", i));
  for (const std::string& name : names) {
    struct stat info;
    if (::stat(name.c_str(), &info) == 0) mounts.push_back(bound_device(name));
  }
}

Json mounts_of(const OciConfigInput& input) {
  std::vector<std::string> dev_options = {"nosuid", "strictatime", "mode=755", "size=65536k"};
  if (!input.spec.insecure) dev_options.push_back("nodev");
  Json mounts = Json::array();
  mounts.push_back(mount_entry("/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}));
  mounts.push_back(mount_entry("/dev", "tmpfs", "tmpfs", std::move(dev_options)));
  mounts.push_back(
      mount_entry("/dev/pts", "devpts", "devpts",
                  {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}));
  mounts.push_back(mount_entry(
      "/dev/shm", "tmpfs", "shm",
      {"nosuid", "noexec", "nodev", "mode=1777", fmt::format("size={}", input.spec.shm_size)}));
  mounts.push_back(mount_entry("/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}));
  mounts.push_back(sys_mount(input));
  for (const char* device : kDevices) mounts.push_back(bound_device(device));
  if (input.spec.insecure) add_loop_devices(mounts);
  for (const ResolvedMount& mount : input.mounts) {
    mounts.push_back(mount_entry(mount.destination, mount.type, mount.source, mount.options));
  }
  return mounts;
}

Json capabilities_of(const OciConfigInput& input) {
  Json bounding = Json::array();
  if (input.spec.insecure) {
    // All that we have ourselves: in a container or a virtual machine that need not be all.
    for (size_t i = 0; i < kAllCapabilities.size(); ++i) {
      if (::prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1) bounding.push_back(kAllCapabilities[i]);
    }
  } else {
    for (const char* name : kDefaultCapabilities) bounding.push_back(name);
  }
  const Json held = input.user.uid == 0 ? bounding : Json::array();
  return {{"bounding", bounding},
          {"effective", held},
          {"permitted", held},
          {"inheritable", Json::array()},
          {"ambient", Json::array()}};
}

Result<Json> rlimits_of(const ProcessSpec& spec) {
  Json rlimits = Json::array();
  for (const Rlimit& limit : spec.rlimits) {
    if (std::ranges::find(kRlimitNames, limit.name) == kRlimitNames.end()) {
      return make_error(ErrorCode::InvalidInput, "unknown ulimit \"{}\"", limit.name);
    }
    std::string type = "RLIMIT_";
    for (const char c : limit.name) type += static_cast<char>(c - 'a' + 'A');
    // -1 means unlimited (RLIM_INFINITY), as in docker's --ulimit.
    rlimits.push_back({{"type", type},
                       {"soft", static_cast<uint64_t>(limit.soft)},
                       {"hard", static_cast<uint64_t>(limit.hard)}});
  }
  return rlimits;
}

Json process_user(const ContainerUser& user) {
  // The primary group is listed too: without it, a later setgroups-less drop of the primary group
  // would gain access that "deny group" permissions meant to refuse (CVE-2022-36109).
  Json groups = Json::array({user.gid});
  for (const uint32_t gid : user.additional_gids) {
    if (gid != user.gid) groups.push_back(gid);
  }
  return {{"uid", user.uid}, {"gid", user.gid}, {"additionalGids", std::move(groups)}};
}

std::vector<std::string> environment_of(const OciConfigInput& input) {
  std::vector<std::string> env = input.spec.env;
  for (const std::string& variable : input.spec.devices.env) {
    const std::string start = variable.substr(0, variable.find('=') + 1);
    std::erase_if(env, [&](const std::string& other) { return other.starts_with(start); });
    env.push_back(variable);
  }
  const bool has_home = std::ranges::any_of(
      env, [](const std::string& variable) { return variable.starts_with("HOME="); });
  if (!has_home) env.push_back("HOME=" + input.user.home);
  return env;
}

Json hooks_of(const CdiEdits& devices) {
  Json hooks = Json::object();
  for (const CdiHook& hook : devices.hooks) {
    Json entry = {{"path", hook.path}};
    if (!hook.args.empty()) entry["args"] = hook.args;
    if (!hook.env.empty()) entry["env"] = hook.env;
    if (hook.timeout) entry["timeout"] = *hook.timeout;
    hooks[hook.moment].push_back(std::move(entry));
  }
  return hooks;
}

Json seccomp_conditions(const SeccompRule& rule) {
  Json conditions = Json::array();
  for (const SeccompCondition& condition : rule.conditions) {
    Json entry = {{"index", condition.argument}};
    switch (condition.compare) {
      case SeccompCompare::Equal:
        entry["op"] = "SCMP_CMP_EQ";
        entry["value"] = condition.value;
        break;
      case SeccompCompare::NotEqual:
        entry["op"] = "SCMP_CMP_NE";
        entry["value"] = condition.value;
        break;
      case SeccompCompare::MaskedEqual:
        entry["op"] = "SCMP_CMP_MASKED_EQ";
        entry["value"] = condition.mask;
        entry["valueTwo"] = condition.value;
        break;
    }
    conditions.push_back(std::move(entry));
  }
  return conditions;
}

Json seccomp_rules_json() {
  Json syscalls = Json::array();
  for (const SeccompRule& rule : seccomp_rules()) {
    Json entry = {{"names", Json::array()},
                  {"action", rule.errno_value == 0 ? "SCMP_ACT_ALLOW" : "SCMP_ACT_ERRNO"}};
    for (const char* name : rule.names) entry["names"].push_back(name);
    if (rule.errno_value != 0) entry["errnoRet"] = rule.errno_value;
    if (!rule.conditions.empty()) entry["args"] = seccomp_conditions(rule);
    syscalls.push_back(std::move(entry));
  }
  Json names = Json::array();
  for (const NewSyscall& call : new_syscalls()) names.push_back(call.name);
  syscalls.push_back({{"names", std::move(names)}, {"action", "SCMP_ACT_ALLOW"}});
  Json architectures = Json::array();
#if defined(__x86_64__)
  architectures = {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"};
#elif defined(__aarch64__)
  architectures = {"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"};
#endif
  return {{"defaultAction", "SCMP_ACT_ERRNO"},
          {"defaultErrnoRet", EPERM},
          {"architectures", std::move(architectures)},
          {"syscalls", std::move(syscalls)}};
}

Json namespaces_of(const OciConfigInput& input) {
  Json namespaces = Json::array();
  for (const char* type : {"pid", "ipc", "uts", "mount", "cgroup"}) {
    namespaces.push_back({{"type", type}});
  }
  if (!input.network_namespace.empty()) {
    namespaces.push_back({{"type", "network"}, {"path", input.network_namespace}});
  }
  return namespaces;
}

void add_confinement(const OciConfigInput& input, Json& config) {
  if (input.spec.insecure) return;
  config["linux"]["maskedPaths"] = kMaskedPaths;
  config["linux"]["readonlyPaths"] = kReadonlyPaths;
  if (const auto* filter = std::get_if<CompiledFilter>(&input.seccomp)) {
    config["annotations"]["run.oci.seccomp_bpf_data"] = encode_base64(filter->bpf);
  } else {
    config["linux"]["seccomp"] = seccomp_rules_json();
  }
}

}  // namespace

Result<std::string> make_oci_config(const OciConfigInput& input) {
  const Json rlimits = TRY(rlimits_of(input.spec));
  Json config = {
      {"ociVersion", "1.0.2"},
      {"process",
       {{"terminal", false},
        {"user", process_user(input.user)},
        {"args", input.spec.args},
        {"env", environment_of(input)},
        {"cwd", input.spec.cwd.empty() ? "/" : input.spec.cwd},
        {"capabilities", capabilities_of(input)},
        {"rlimits", rlimits},
        // As Docker builds do: sudo and other setuid programs work in a step.
        {"noNewPrivileges", false}}},
      {"root", {{"path", input.spec.rootfs.string()}, {"readonly", input.spec.readonly_rootfs}}},
      {"hostname", input.spec.hostname},
      {"mounts", mounts_of(input)},
      {"linux", {{"namespaces", namespaces_of(input)}}},
  };
  if (!input.spec.devices.hooks.empty()) config["hooks"] = hooks_of(input.spec.devices);
  add_confinement(input, config);
  try {
    return config.dump();
  } catch (const Json::type_error&) {
    return make_error(ErrorCode::InvalidInput,
                      "run {}: an argument or a variable is not valid UTF-8",
                      input.spec.args.empty() ? "" : input.spec.args.front());
  }
}

}  // namespace slipway::executor
