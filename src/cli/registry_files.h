// The files in which podman and docker say how registries are reached: mirrors, plain HTTP.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace slipway::cli {

// As registry::ClientOptions has them.
struct RegistrySettings {
  std::map<std::string, std::vector<std::string>> mirrors;
  std::set<std::string> insecure_hosts;
};

// containers-registries.conf(5), version 2: the [[registry]] tables. Of those only what is about a
// whole domain: a prefix with a path or a "*." is left out. InvalidInput with the line for what is
// no such file; keys that we do not know are skipped.
Result<RegistrySettings> parse_registries_conf(std::string_view text);

// registry-mirrors (of Docker Hub) and insecure-registries of docker's daemon.json.
Result<RegistrySettings> parse_docker_daemon_json(std::string_view text);

}  // namespace slipway::cli
