#include "frontend/dockerfile/advice/package_manager.h"

#include <algorithm>

#include "base/text.h"

namespace slipway::dockerfile {
namespace {

using Words = std::vector<std::string_view>;

// A program's commands that download. `of_manifest`: those among them that read a manifest, where
// they get no package names if `without_names`.
struct Program {
  PackageManager manager;
  Words programs;
  Words commands;
  Words of_manifest;
  bool without_names = false;
  bool bare = false;  // the program alone installs (yarn)
};

const std::vector<Program>& programs() {
  static const std::vector<Program> table = {
      {{"apt", {"/var/cache/apt", "/var/lib/apt"}, {}, {}, {}, "", ",sharing=locked"},
       {"apt-get", "apt"},
       {"install", "upgrade", "dist-upgrade", "full-upgrade"},
       {}},
      {{"dnf",
        {"/var/cache/dnf", "/var/cache/libdnf5", "/var/cache/yum"},
        {},
        {},
        {},
        "",
        ",sharing=locked"},
       {"dnf", "yum", "microdnf"},
       {"install", "upgrade", "update"},
       {}},
      {{"pip",
        {"~/.cache/pip"},
        {"PIP_CACHE_DIR", "XDG_CACHE_HOME"},
        {"--cache-dir"},
        {"--no-cache-dir", "--no-cache"},
        "PIP_NO_CACHE_DIR",
        ""},
       {"pip", "pip3"},
       {"install", "download", "wheel"},
       {}},
      {{"uv",
        {"~/.cache/uv"},
        {"UV_CACHE_DIR", "XDG_CACHE_HOME"},
        {"--cache-dir"},
        {"--no-cache", "--no-cache-dir", "-n"},
        "UV_NO_CACHE",
        ""},
       {"uv"},
       {"sync", "pip install", "pip sync", "tool install", "add"},
       {"sync", "pip sync"}},
      {{"poetry",
        {"~/.cache/pypoetry"},
        {"POETRY_CACHE_DIR", "XDG_CACHE_HOME"},
        {},
        {"--no-cache"},
        "",
        ""},
       {"poetry"},
       {"install", "sync"},
       {"install", "sync"}},
      {{"npm", {"~/.npm"}, {"npm_config_cache", "NPM_CONFIG_CACHE"}, {"--cache"}, {}, "", ""},
       {"npm"},
       {"ci", "clean-install", "install", "i"},
       {"ci", "clean-install", "install", "i"},
       true},
      {{"yarn",
        {"/usr/local/share/.cache/yarn", "~/.cache/yarn", "~/.yarn/berry/cache"},
        {"YARN_CACHE_FOLDER", "XDG_CACHE_HOME"},
        {"--cache-folder"},
        {},
        "",
        ""},
       {"yarn", "yarnpkg"},
       {"install"},
       {"install"},
       true,
       true},
      {{"pnpm",
        {"~/.local/share/pnpm/store"},
        {"PNPM_HOME", "XDG_DATA_HOME"},
        {"--store-dir"},
        {},
        "",
        ""},
       {"pnpm"},
       {"install", "i", "fetch"},
       {"install", "i", "fetch"},
       true},
      {{"bun",
        {"~/.bun/install/cache"},
        {"BUN_INSTALL_CACHE_DIR", "BUN_INSTALL"},
        {"--cache-dir"},
        {"--no-cache"},
        "",
        ""},
       {"bun"},
       {"install", "i"},
       {"install", "i"},
       true},
      {{"go",
        {"/go/pkg/mod", "~/go/pkg/mod", "~/.cache/go-build"},
        {"GOMODCACHE", "GOCACHE", "GOPATH", "XDG_CACHE_HOME"},
        {},
        {},
        "",
        ""},
       {"go"},
       {"mod download", "build", "install", "get"},
       {"mod download"}},
      {{"cargo",
        {"/usr/local/cargo/registry", "~/.cargo/registry"},
        {"CARGO_HOME"},
        {},
        {},
        "",
        ""},
       {"cargo"},
       {"build", "install", "fetch"},
       {"fetch"}},
      {{"maven", {"~/.m2"}, {"MAVEN_OPTS"}, {}, {}, "", ""},
       {"mvn", "mvnw"},
       {"package", "install", "verify", "compile", "dependency:go-offline", "dependency:resolve"},
       {"dependency:go-offline", "dependency:resolve"}},
      {{"gradle", {"~/.gradle"}, {"GRADLE_USER_HOME"}, {"-g"}, {}, "", ""},
       {"gradle", "gradlew"},
       {"build", "assemble", "bootJar", "dependencies"},
       {"dependencies"}},
      {{"nuget", {"~/.nuget/packages"}, {"NUGET_PACKAGES"}, {"--packages"}, {}, "", ""},
       {"dotnet"},
       {"restore", "publish", "build"},
       {"restore"}},
      {{"composer",
        {"~/.composer/cache", "~/.cache/composer", "/tmp/cache"},
        {"COMPOSER_CACHE_DIR", "COMPOSER_HOME", "XDG_CACHE_HOME"},
        {},
        {"--no-cache"},
        "",
        ""},
       {"composer"},
       {"install"},
       {"install"}},
  };
  return table;
}

bool contains(const Words& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

// "python3.11 -m pip install" is "pip install".
std::vector<std::string> without_python(const std::vector<std::string>& words) {
  if (words.size() > 3 && base_name(words[0]).starts_with("python") && words[1] == "-m" &&
      words[2] == "pip") {
    return {words.begin() + 2, words.end()};
  }
  return words;
}

bool is_program(const Program& program, std::string_view word) {
  const std::string_view name = base_name(word);
  if (contains(program.programs, name)) return true;
  return program.manager.name == "pip" && name.starts_with("pip3.");
}

// Words that are neither flags nor the values of cache flags, the program's name left out.
std::vector<std::string> arguments_of(const std::vector<std::string>& words) {
  std::vector<std::string> arguments;
  for (size_t i = 1; i < words.size(); ++i) {
    if (!words[i].starts_with('-')) arguments.push_back(words[i]);
  }
  return arguments;
}

// The command among `known` that the arguments begin with; "" where none does.
std::string_view command_of(const Words& known, const std::vector<std::string>& arguments,
                            bool anywhere) {
  for (const std::string_view command : known) {
    const std::vector<std::string> wanted = split(command, ' ');
    if (anywhere && std::ranges::find(arguments, command) != arguments.end()) return command;
    if (arguments.size() >= wanted.size() &&
        std::equal(wanted.begin(), wanted.end(), arguments.begin())) {
      return command;
    }
  }
  return "";
}

bool is_true(std::string_view value) {
  const std::string lower = to_lower(value);
  return !lower.empty() && lower != "0" && lower != "false" && lower != "off" && lower != "no";
}

std::string value_of(const ShellCommand& command,
                     const std::map<std::string, std::string>& environment, std::string_view name) {
  const std::string key(name);
  if (const auto set = command.environment.find(key); set != command.environment.end()) {
    return set->second;
  }
  const auto set = environment.find(key);
  return set == environment.end() ? "" : set->second;
}

std::optional<std::string> cache_of(const PackageManager& manager, const ShellCommand& command,
                                    const std::map<std::string, std::string>& environment) {
  for (size_t i = 0; i < command.words.size(); ++i) {
    for (const std::string_view flag : manager.cache_flags) {
      const std::string& word = command.words[i];
      if (word == flag && i + 1 < command.words.size()) return command.words[i + 1];
      if (word.starts_with(std::string(flag) + "=")) return word.substr(flag.size() + 1);
    }
  }
  for (const std::string_view name : manager.cache_variables) {
    const std::string value = value_of(command, environment, name);
    if (!value.empty()) return value;
  }
  return std::nullopt;
}

bool reads_manifest(const Program& program, std::string_view found,
                    const std::vector<std::string>& words, size_t argument_count) {
  const bool has_list = std::ranges::any_of(words, [](const std::string& word) {
    return word == "-r" || word.starts_with("--requirement") ||
           (word.starts_with("-r") && word.size() > 2 && word[2] != '-');
  });
  if (program.manager.name == "pip") return has_list;
  if (program.manager.name == "uv" && found == "pip install") return has_list;
  return contains(program.of_manifest, found) && (!program.without_names || argument_count <= 1);
}

}  // namespace

std::optional<Install> install_of(const ShellCommand& command,
                                  const std::map<std::string, std::string>& environment) {
  const std::vector<std::string> words = without_python(command.words);
  if (words.empty()) return std::nullopt;
  for (const Program& program : programs()) {
    if (!is_program(program, words[0])) continue;
    const std::vector<std::string> arguments = arguments_of(words);
    // Options with values ("-o KEY=VALUE"), several goals.
    constexpr std::string_view kAnywhere[] = {"apt", "dnf", "maven", "gradle"};
    const bool anywhere = std::ranges::find(kAnywhere, program.manager.name) != std::end(kAnywhere);
    std::string_view found = command_of(program.commands, arguments, anywhere);
    if (found.empty() && program.bare && arguments.empty() && words.size() == 1) {
      found = program.commands[0];
    }
    if (found.empty()) return std::nullopt;
    Install install{&program.manager,
                    reads_manifest(program, found, words, arguments.size()),
                    {},
                    cache_of(program.manager, command, environment)};
    for (const std::string& word : words) {
      if (contains(program.manager.no_cache_flags, word)) install.cache_turned_off_by = word;
    }
    const std::string_view variable = program.manager.no_cache_variable;
    if (!variable.empty() && is_true(value_of(command, environment, variable))) {
      install.cache_turned_off_by = variable;
    }
    return install;
  }
  return std::nullopt;
}

}  // namespace slipway::dockerfile
