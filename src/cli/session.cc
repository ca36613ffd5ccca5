#include "cli/session.h"

#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/file_io.h"
#include "cli/version.h"
#include "oci/json_fields.h"

namespace slipway::cli {
namespace {

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

// dockerd's "registry-mirrors" (of Docker Hub) and "insecure-registries".
void read_daemon_settings(const std::filesystem::path& path, registry::ClientOptions& options) {
  const Result<std::string> text = read_file(path, 1 << 20);
  if (!text) return;
  const auto document = json_fields::parse_object(*text, 1 << 20);
  if (!document) return warn(fmt::format("{}: {}", path.string(), document.error().message()));
  const auto mirrors = json_fields::strings(*document, "registry-mirrors");
  const auto insecure = json_fields::strings(*document, "insecure-registries");
  if (!mirrors) return warn(fmt::format("{}: {}", path.string(), mirrors.error().message()));
  if (!insecure) return warn(fmt::format("{}: {}", path.string(), insecure.error().message()));
  for (const std::string& mirror : *mirrors) options.mirrors["docker.io"].push_back(mirror);
  options.insecure_hosts.insert(insecure->begin(), insecure->end());
}

}  // namespace

Result<std::unique_ptr<store::Store>> open_store(const Invocation& invocation) {
  store::StoreOptions options;
  options.root = (invocation.environment.working_directory / invocation.root).lexically_normal();
  options.rootless = !invocation.environment.root;
  options.on_damage = [](const std::string& message) { warn(message); };
  return store::Store::open(std::move(options)).context("open the store");
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
  options.user_agent = fmt::format("slipway/{}", kVersion);
  read_daemon_settings("/etc/docker/daemon.json", options);
  read_daemon_settings(config_home(environment) / "docker/daemon.json", options);
  return options;
}

}  // namespace slipway::cli
