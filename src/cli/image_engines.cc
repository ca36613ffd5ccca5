#include "cli/image_engines.h"

#include <unistd.h>

#include "base/text.h"

namespace slipway::cli {
namespace {

bool is_program(const Environment& environment, const std::string& name) {
  for (const std::string& directory : split(environment.get("PATH"), ':')) {
    if (!directory.empty() && ::access((directory + "/" + name).c_str(), X_OK) == 0) return true;
  }
  return false;
}

bool exists(const char* path) {
  return ::access(path, F_OK) == 0;
}

}  // namespace

std::vector<std::string> load_command(const Environment& environment) {
  // The client alone is often installed where no daemon is.
  const bool docker_daemon = exists("/var/run/docker.sock") || environment.has("DOCKER_HOST") ||
                             environment.has("DOCKER_CONTEXT");
  if (docker_daemon && is_program(environment, "docker")) return {"docker", "load", "--quiet"};
  if (is_program(environment, "podman")) return {"podman", "load", "--quiet"};
  if (exists("/run/containerd/containerd.sock") && is_program(environment, "ctr")) {
    return {"ctr", "images", "import", "-"};
  }
  return {};
}

}  // namespace slipway::cli
