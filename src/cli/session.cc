#include "cli/session.h"

#include <unistd.h>

#include <algorithm>

#include <fmt/format.h>

#include "base/file_io.h"
#include "cli/background_sync.h"
#include "cli/registry_files.h"
#include "cli/version.h"
#include "store/disk_space.h"
#include "store/reserve.h"

namespace slipway::cli {
namespace {

constexpr size_t kMaxSettingsBytes = 4 << 20;

// A closed stderr must not end the command.
void warn(std::string_view text) {
  (void)write_all(STDERR_FILENO, fmt::format("WARNING: {}\n", text)).has_value();
}

// Go's order, as docker and podman have it: HTTPS_PROXY before https_proxy.
std::string proxy_variable(const Environment& environment, const char* upper, const char* lower) {
  const std::string value = environment.get(upper);
  return value.empty() ? environment.get(lower) : value;
}

std::filesystem::path home(const Environment& environment) {
  return environment.get("HOME", "/");
}

std::filesystem::path config_home(const Environment& environment) {
  const std::string configured = environment.get("XDG_CONFIG_HOME");
  return configured.empty() ? home(environment) / ".config" : std::filesystem::path(configured);
}

std::vector<std::filesystem::path> credential_files(const Environment& environment) {
  std::vector<std::filesystem::path> files;
  if (const std::string named = environment.get("REGISTRY_AUTH_FILE"); !named.empty()) {
    files.push_back(environment.working_directory / named);
  }
  files.push_back(docker_config_file(environment));
  if (const std::string runtime = environment.get("XDG_RUNTIME_DIR"); !runtime.empty()) {
    files.push_back(std::filesystem::path(runtime) / "containers/auth.json");
  }
  files.push_back(config_home(environment) / "containers/auth.json");
  return files;
}

// The user's file stands instead of the machine's; the drop-in files come on top.
std::vector<std::filesystem::path> registries_conf_files(const Environment& environment) {
  if (const std::string named = environment.get("CONTAINERS_REGISTRIES_CONF"); !named.empty()) {
    return {environment.working_directory / named};
  }
  std::error_code error;
  std::filesystem::path main_file = config_home(environment) / "containers/registries.conf";
  if (!std::filesystem::exists(main_file, error)) main_file = "/etc/containers/registries.conf";
  std::vector<std::filesystem::path> drop_ins;
  for (const auto& entry :
       std::filesystem::directory_iterator("/etc/containers/registries.conf.d", error)) {
    if (entry.path().extension() == ".conf") drop_ins.push_back(entry.path());
  }
  std::ranges::sort(drop_ins);
  drop_ins.insert(drop_ins.begin(), std::move(main_file));
  return drop_ins;
}

using ParseSettings = Result<RegistrySettings> (*)(std::string_view text);

void add_settings(const std::filesystem::path& file, ParseSettings parse,
                  registry::ClientOptions& options) {
  const Result<std::string> text = read_file(file, kMaxSettingsBytes);
  if (!text && text.error().code() == ErrorCode::NotFound) return;
  Result<RegistrySettings> settings = text ? parse(*text) : Result<RegistrySettings>(text.error());
  if (!settings) {
    warn(fmt::format("{}: {}; what it says of registries is not used", file.string(),
                     settings.error().message()));
    return;
  }
  options.insecure_hosts.merge(settings->insecure_hosts);
  for (auto& [domain, mirrors] : settings->mirrors) {
    auto& known = options.mirrors[domain];
    known.insert(known.end(), mirrors.begin(), mirrors.end());
  }
}

}  // namespace

Result<std::unique_ptr<store::Store>> open_store(const Invocation& invocation) {
  store::StoreOptions options;
  options.root = (invocation.environment.working_directory / invocation.root).lexically_normal();
  options.rootless = !invocation.environment.root;
  options.on_damage = [](const std::string& message) { warn(message); };
  return store::Store::open(std::move(options)).context("open the store");
}

Status end_use(store::Store& store, const Environment& environment) {
  return waits_for_disk(environment) ? store.barrier() : store.leave_barrier();
}

Result<std::unique_ptr<store::Store>> open_full_store(const Invocation& invocation) {
  store::use_reserve(invocation.environment.working_directory / invocation.root);
  return open_store(invocation);
}

Error with_full_disk_hint(Error error, const Invocation& invocation) {
  const bool full = error.errno_value() == ENOSPC || error.errno_value() == EDQUOT;
  if (!full || !error.hint().empty()) return error;
  return std::move(error).with_hint(
      store::full_disk_hint(invocation.environment.working_directory / invocation.root));
}

registry::ClientOptions client_options(const Environment& environment) {
  registry::ClientOptions options;
  options.credential_files = credential_files(environment);
  options.credentials_json = environment.get("DOCKER_AUTH_CONFIG");
  options.ca_file = environment.get("SSL_CERT_FILE");
  options.certificate_directories = {config_home(environment) / "docker/certs.d",
                                     config_home(environment) / "containers/certs.d",
                                     "/etc/docker/certs.d", "/etc/containers/certs.d"};
  options.proxy = {proxy_variable(environment, "HTTP_PROXY", "http_proxy"),
                   proxy_variable(environment, "HTTPS_PROXY", "https_proxy"),
                   proxy_variable(environment, "NO_PROXY", "no_proxy")};
  for (const std::filesystem::path& file : registries_conf_files(environment)) {
    add_settings(file, parse_registries_conf, options);
  }
  for (const std::filesystem::path& file : {std::filesystem::path("/etc/docker/daemon.json"),
                                            config_home(environment) / "docker/daemon.json"}) {
    add_settings(file, parse_docker_daemon_json, options);
  }
  options.user_agent = fmt::format("slipway/{}", kVersion);
  return options;
}

}  // namespace slipway::cli
