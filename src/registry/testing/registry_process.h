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
  // NotFound when the program is not installed. `extra_config` is appended to its YAML.
  static Result<RegistryProcess> start(const std::string& extra_config = {});

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
