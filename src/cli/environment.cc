#include "cli/environment.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstring>

namespace slipway::cli {

Environment read_environment(char** environ_array) {
  Environment environment;
  for (char** entry = environ_array; *entry != nullptr; ++entry) {
    const char* equals = std::strchr(*entry, '=');
    if (equals == nullptr) continue;
    environment.variables.emplace(std::string(static_cast<const char*>(*entry), equals),
                                  equals + 1);
  }
  environment.working_directory = std::filesystem::current_path();
  environment.stderr_is_terminal = ::isatty(STDERR_FILENO) != 0;
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    environment.terminal_columns = size.ws_col;
    environment.terminal_rows = size.ws_row;
  }
  environment.root = ::geteuid() == 0;
  environment.first_process = ::getpid() == 1;
  return environment;
}

std::filesystem::path default_root(const Environment& environment) {
  if (environment.has("SLIPWAY_ROOT")) return environment.get("SLIPWAY_ROOT");
  if (environment.root) return "/var/lib/slipway";
  const std::string data = environment.get("XDG_DATA_HOME");
  if (!data.empty()) return std::filesystem::path(data) / "slipway";
  return std::filesystem::path(environment.get("HOME", "/")) / ".local/share/slipway";
}

std::filesystem::path docker_config_file(const Environment& environment) {
  const std::string directory = environment.get("DOCKER_CONFIG");
  if (!directory.empty()) return std::filesystem::path(directory) / "config.json";
  return std::filesystem::path(environment.get("HOME", "/")) / ".docker/config.json";
}

}  // namespace slipway::cli
