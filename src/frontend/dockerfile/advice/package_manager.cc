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
      {{.name = "apt",
        .caches = {"/var/cache/apt", "/var/lib/apt"},
        .places = {{.path = "/var/cache/apt"}, {.path = "/var/lib/apt/lists"}},
        .mount_options = ",sharing=locked"},
       {"apt-get", "apt"},
       {"install", "upgrade", "dist-upgrade", "full-upgrade"},
       {}},
      // It caches where that directory exists.
      {{.name = "apk",
        .caches = {"/etc/apk/cache", "/var/cache/apk"},
        .places = {{.path = "/etc/apk/cache"}},
        .cache_flags = {"--cache-dir"},
        .no_cache_flags = {"--no-cache"},
        .mount_options = ",sharing=locked"},
       {"apk"},
       {"add", "upgrade"},
       {}},
      {{.name = "dnf",
        .caches = {"/var/cache/dnf", "/var/cache/libdnf5", "/var/cache/yum"},
        .places = {{.path = "/var/cache/dnf"}, {.path = "/var/cache/libdnf5"}},
        .mount_options = ",sharing=locked"},
       {"dnf", "yum", "microdnf"},
       {"install", "upgrade", "update"},
       {}},
      {{.name = "pip",
        .caches = {"~/.cache/pip"},
        .places = {{.path = "~/.cache/pip"}},
        .cache_variables = {{"PIP_CACHE_DIR", ""}, {"XDG_CACHE_HOME", "/pip"}},
        .cache_flags = {"--cache-dir"},
        .no_cache_flags = {"--no-cache-dir", "--no-cache"},
        .no_cache_variable = "PIP_NO_CACHE_DIR"},
       {"pip", "pip3"},
       {"install", "download", "wheel"},
       {}},
      {{.name = "uv",
        .caches = {"~/.cache/uv"},
        .places = {{.path = "~/.cache/uv"}},
        .cache_variables = {{"UV_CACHE_DIR", ""}, {"XDG_CACHE_HOME", "/uv"}},
        .cache_flags = {"--cache-dir"},
        .no_cache_flags = {"--no-cache", "--no-cache-dir", "-n"},
        .no_cache_variable = "UV_NO_CACHE",
        .dependencies_only = "--no-install-project"},
       {"uv"},
       {"sync", "pip install", "pip sync", "tool install", "add"},
       {"sync", "pip sync"}},
      // Its virtual environments lie in the cache, too: a mount must not be around them.
      {{.name = "poetry",
        .caches = {"~/.cache/pypoetry"},
        .places = {{.path = "~/.cache/pypoetry/cache"}, {.path = "~/.cache/pypoetry/artifacts"}},
        .cache_variables = {{"POETRY_CACHE_DIR", "/cache"}, {"XDG_CACHE_HOME", "/pypoetry/cache"}},
        .no_cache_flags = {"--no-cache"},
        .dependencies_only = "--no-root"},
       {"poetry"},
       {"install", "sync"},
       {"install", "sync"}},
      {{.name = "npm",
        .caches = {"~/.npm"},
        .places = {{.path = "~/.npm"}},
        .cache_variables = {{"npm_config_cache", ""}, {"NPM_CONFIG_CACHE", ""}},
        .cache_flags = {"--cache"}},
       {"npm"},
       {"ci", "clean-install", "install", "i"},
       {"ci", "clean-install", "install", "i"},
       true},
      {{.name = "yarn",
        .caches = {"/usr/local/share/.cache/yarn", "~/.cache/yarn", "~/.yarn/berry/cache"},
        .places = {{.path = "/usr/local/share/.cache/yarn"}},
        .cache_variables = {{"YARN_CACHE_FOLDER", ""}, {"XDG_CACHE_HOME", "/yarn"}},
        .cache_flags = {"--cache-folder"}},
       {"yarn", "yarnpkg"},
       {"install"},
       {"install"},
       true,
       true},
      {{.name = "pnpm",
        .caches = {"~/.local/share/pnpm/store"},
        .places = {{.path = "~/.local/share/pnpm/store"}},
        .cache_variables = {{"PNPM_HOME", "/store"}, {"XDG_DATA_HOME", "/pnpm/store"}},
        .cache_flags = {"--store-dir"}},
       {"pnpm"},
       {"install", "i", "fetch"},
       {"install", "i", "fetch"},
       true},
      {{.name = "bun",
        .caches = {"~/.bun/install/cache"},
        .places = {{.path = "~/.bun/install/cache"}},
        .cache_variables = {{"BUN_INSTALL_CACHE_DIR", ""}, {"BUN_INSTALL", "/install/cache"}},
        .cache_flags = {"--cache-dir"},
        .no_cache_flags = {"--no-cache"}},
       {"bun"},
       {"install", "i"},
       {"install", "i"},
       true},
      {{.name = "go",
        .caches = {"/go/pkg/mod", "~/go/pkg/mod", "~/.cache/go-build"},
        .places = {{.path = "/go/pkg/mod", .image = "golang"},
                   {.path = "~/go/pkg/mod", .image = "!golang"},
                   {.path = "~/.cache/go-build"}},
        .cache_variables = {{"GOMODCACHE", ""},
                            {"GOPATH", "/pkg/mod"},
                            {"GOCACHE", ""},
                            {"XDG_CACHE_HOME", "/go-build"}},
        .use = CacheUse::Library},
       {"go"},
       {"mod download", "build", "install", "get"},
       {"mod download"}},
      {{.name = "cargo",
        .caches = {"/usr/local/cargo/registry", "~/.cargo/registry"},
        .places = {{.path = "/usr/local/cargo/registry", .image = "rust"},
                   {.path = "~/.cargo/registry", .image = "!rust"}},
        .cache_variables = {{"CARGO_HOME", "/registry"}},
        .use = CacheUse::Library},
       {"cargo"},
       {"build", "install", "fetch"},
       {"build", "fetch"}},
      {{.name = "maven",
        .caches = {"~/.m2"},
        .places = {{.path = "~/.m2"}},
        .cache_variables = {{"MAVEN_OPTS", ""}},
        .use = CacheUse::Library},
       {"mvn", "mvnw"},
       {"package", "install", "verify", "compile", "dependency:go-offline", "dependency:resolve"},
       {"dependency:go-offline", "dependency:resolve"}},
      {{.name = "gradle",
        .caches = {"~/.gradle"},
        .places = {{.path = "~/.gradle"}},
        .cache_variables = {{"GRADLE_USER_HOME", ""}},
        .cache_flags = {"-g"},
        .use = CacheUse::Library},
       {"gradle", "gradlew"},
       {"build", "assemble", "bootJar", "dependencies"},
       {"dependencies"}},
      {{.name = "nuget",
        .caches = {"~/.nuget/packages"},
        .places = {{.path = "~/.nuget/packages"}},
        .cache_variables = {{"NUGET_PACKAGES", ""}},
        .cache_flags = {"--packages"},
        .use = CacheUse::Library},
       {"dotnet"},
       {"restore", "publish", "build"},
       {"restore"}},
      {{.name = "composer",
        .caches = {"~/.composer/cache", "~/.cache/composer", "/tmp/cache"},
        // Composer's own image sets COMPOSER_HOME=/tmp.
        .places = {{.path = "/tmp/cache", .image = "composer"},
                   {.path = "~/.composer/cache", .image = "!composer"}},
        .cache_variables = {{"COMPOSER_CACHE_DIR", ""},
                            {"COMPOSER_HOME", "/cache"},
                            {"XDG_CACHE_HOME", "/composer"}},
        .no_cache_flags = {"--no-cache"},
        .dependencies_only = "--no-scripts --no-autoloader"},
       {"composer"},
       {"install"},
       {"install"}},
      // It keeps what it downloads among the installed gems.
      {{.name = "bundler"}, {"bundle", "bundler"}, {"install"}, {"install"}, true, true},
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
  for (const CacheVariable& variable : manager.cache_variables) {
    const std::string value = value_of(command, environment, variable.name);
    if (!value.empty()) return value + std::string(variable.below);
  }
  return std::nullopt;
}

// "." and "./service[extra]": a project, whose own file names the dependencies.
bool names_project(const std::vector<std::string>& words) {
  return std::ranges::any_of(words, [](const std::string& word) {
    return word == "." || word.starts_with("./") || word.starts_with(".[");
  });
}

bool reads_manifest(const Program& program, std::string_view found,
                    const std::vector<std::string>& words, size_t argument_count) {
  const bool has_list = std::ranges::any_of(words, [](const std::string& word) {
    return word == "-r" || word.starts_with("--requirement") ||
           (word.starts_with("-r") && word.size() > 2 && word[2] != '-');
  });
  const bool is_pip = program.manager.name == "pip" && found == "install";
  if (is_pip || (program.manager.name == "uv" && found == "pip install")) {
    return has_list || names_project(words);
  }
  if (program.manager.name == "pip") return has_list;
  return contains(program.of_manifest, found) && (!program.without_names || argument_count <= 1);
}

bool is_for(const CachePlace& place, std::string_view image) {
  if (place.image.starts_with('!')) return !image.contains(place.image.substr(1));
  return image.contains(place.image);
}

}  // namespace

std::vector<std::string> cache_places(const Install& install, const std::string& home,
                                      std::string_view image) {
  if (install.cache) return {*install.cache};
  std::vector<std::string> places;
  for (const CachePlace& place : install.manager->places) {
    if (!is_for(place, image)) continue;
    const bool in_home = place.path.starts_with('~');
    places.push_back(in_home ? home + std::string(place.path.substr(1)) : std::string(place.path));
  }
  return places;
}

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
                    found,
                    words,
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
