// RegistryProcess: a real registry (Debian's docker-registry) on loopback, empty, for one test.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/child_process.h"
#include "base/result.h"
#include "base/temp_dir.h"

namespace slipway::registry::testing {

class RegistryProcess {
 public:
  struct Settings {
    std::string address = "127.0.0.1";
    // PEM files: it speaks TLS.
    std::filesystem::path certificate;
    std::filesystem::path key;
  };
  // NotFound when the program is not installed.
  static Result<RegistryProcess> start(const Settings& settings);
  static Result<RegistryProcess> start() { return start(Settings()); }

  std::string host() const { return host_; }  // "127.0.0.1:PORT"
  const std::filesystem::path& directory() const { return directory_.path(); }
  // Ends it, as a crash would.
  Status kill();

 private:
  RegistryProcess(TempDir directory, ChildProcess process, std::string host)
      : directory_(std::move(directory)), process_(std::move(process)), host_(std::move(host)) {}
  TempDir directory_;
  ChildProcess process_;
  std::string host_;
};

}  // namespace slipway::registry::testing
