#include "registry/testing/registry_process.h"

#include <csignal>

#include <chrono>
#include <thread>

#include <fmt/format.h>

#include "base/file_io.h"
#include "registry/http.h"
#include "registry/testing/fake_server.h"

namespace slipway::registry::testing {

Result<RegistryProcess> RegistryProcess::start(const Settings& settings) {
  TempDir directory = TRY(TempDir::create(std::filesystem::temp_directory_path(), "registry-"));
  const std::string host = fmt::format("{}:{}", settings.address, free_port());
  const bool tls = !settings.certificate.empty();
  const std::string tls_config =
      tls ? fmt::format(", tls: {{certificate: {}, key: {}}}", settings.certificate.string(),
                        settings.key.string())
          : "";
  const std::string config = fmt::format(
      "version: 0.1\n"
      "log: {{level: error, accesslog: {{disabled: true}}}}\n"
      "storage: {{filesystem: {{rootdirectory: {}}}, delete: {{enabled: true}}}}\n"
      "http: {{addr: \"{}\"{}}}\n",
      (directory.path() / "data").string(), host, tls_config);
  const std::filesystem::path config_file = directory.path() / "config.yml";
  TRY(write_file_atomic(config_file, config));
  ProcessOptions options;
  options.argv = {"docker-registry", "serve", config_file.string()};
  options.environment =
      std::vector<std::string>{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "OTEL_TRACES_EXPORTER=none"};
  ChildProcess process = TRY(ChildProcess::start(options).context("start docker-registry"));

  HttpClient http({}, "test");
  HttpRequest ping;
  ping.url = fmt::format("{}://{}/v2/", tls ? "https" : "http", host);
  ping.tls.verify = false;
  for (int attempt = 0; attempt < 500; ++attempt) {
    if (http.perform(ping, {})) {
      return RegistryProcess(std::move(directory), std::move(process), host);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return make_error(ErrorCode::Unavailable, "docker-registry does not answer on {}", host);
}

Status RegistryProcess::kill() {
  TRY(process_.send_signal(SIGKILL));
  TRY(process_.wait());
  return {};
}

}  // namespace slipway::registry::testing
