// Environment: what the program learns from outside its arguments, read once in main().
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>

namespace slipway::cli {

struct Environment {
  std::map<std::string, std::string> variables;
  std::filesystem::path working_directory;
  bool stderr_is_terminal = false;
  int terminal_columns = 80;
  int terminal_rows = 24;
  bool root = false;           // effective user id 0, outside of any namespace of ours
  bool first_process = false;  // of a container: all others end with it

  std::string get(const std::string& name, std::string fallback = {}) const {
    const auto found = variables.find(name);
    return found == variables.end() ? fallback : found->second;
  }
  bool has(const std::string& name) const { return variables.contains(name); }
  // The variables as a function; valid as long as this is.
  std::function<std::optional<std::string>(const std::string&)> lookup() const {
    return [this](const std::string& name) {
      return has(name) ? std::optional(get(name)) : std::nullopt;
    };
  }
};

Environment read_environment(char** environ_array);

// The store's directory: --root, SLIPWAY_ROOT, /var/lib/slipway as root, else below XDG_DATA_HOME.
std::filesystem::path default_root(const Environment& environment);

// Where docker keeps its credentials: DOCKER_CONFIG or ~/.docker, "config.json" in it.
std::filesystem::path docker_config_file(const Environment& environment);

}  // namespace slipway::cli
