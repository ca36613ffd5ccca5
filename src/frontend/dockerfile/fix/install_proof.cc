#include "frontend/dockerfile/fix/install_proof.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/pattern_matcher.h"
#include "base/text.h"

namespace slipway::dockerfile {
namespace {

using Names = std::vector<std::string_view>;

bool contains(const Names& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

InstallProof not_proven(std::string why) {
  InstallProof proof;
  proof.why_not = std::move(why);
  return proof;
}

// The arguments of a command, by the flags that are known not to name files.
struct Arguments {
  std::vector<std::string> words;
  std::map<std::string, std::vector<std::string>> values;  // of flags that were asked for
  std::set<std::string> flags;
  std::string unknown;  // the first flag that is not known
};

// `plain`: flags that stand alone. `valued`: their values do not matter. `asked`: their values do.
struct KnownFlags {
  Names plain;
  Names valued;
  Names asked;
};

Arguments read_arguments(const std::vector<std::string>& words, size_t skip,
                         const KnownFlags& known) {
  Arguments arguments;
  for (size_t i = skip; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (!word.starts_with('-') || word == "-") {
      arguments.words.push_back(word);
      continue;
    }
    const size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    const bool asked = contains(known.asked, name);
    if (contains(known.plain, name)) {
      arguments.flags.insert(name);
    } else if (!asked && !contains(known.valued, name)) {
      // "-rfile" and its like.
      const std::string letter = word.substr(0, 2);
      if (word.size() > 2 && word[1] != '-' && contains(known.asked, letter)) {
        arguments.values[letter].push_back(word.substr(2));
      } else if (arguments.unknown.empty()) {
        arguments.unknown = name;
      }
    } else if (equals != std::string::npos) {
      if (asked) arguments.values[name].push_back(word.substr(equals + 1));
    } else if (++i < words.size() && asked) {
      arguments.values[name].push_back(words[i]);
    }
  }
  return arguments;
}

std::string unknown_flag(const Install& install, const std::string& flag) {
  return fmt::format("what {} of \"{}\" reads is not known", flag,
                     join({install.words.begin(), install.words.end()}, " "));
}

std::string not_there(const std::string& file) {
  return fmt::format("{} is not a file of the context that was copied here",
                     file.starts_with("?/") ? file.substr(2) : file);
}

const KnownFlags& pip_flags() {
  static const KnownFlags flags = {
      {"--no-cache-dir",
       "--no-cache",
       "-n",
       "--upgrade",
       "-U",
       "--no-deps",
       "--user",
       "-q",
       "-qq",
       "--quiet",
       "-v",
       "--verbose",
       "--pre",
       "--no-input",
       "--disable-pip-version-check",
       "--prefer-binary",
       "--require-hashes",
       "--compile",
       "--no-compile",
       "--compile-bytecode",
       "--break-system-packages",
       "--ignore-installed",
       "-I",
       "--force-reinstall",
       "--system",
       "--no-build-isolation",
       "--no-progress",
       "--no-warn-script-location",
       "--strict"},
      {"-i",
       "--index-url",
       "--extra-index-url",
       "--default-index",
       "--index",
       "--trusted-host",
       "--timeout",
       "--default-timeout",
       "--retries",
       "--only-binary",
       "--no-binary",
       "--progress-bar",
       "--root-user-action",
       "--cache-dir",
       "--python",
       "-p",
       "--link-mode",
       "--index-strategy",
       "--use-feature",
       "--use-deprecated",
       "--python-version",
       "--upgrade-strategy",
       "--extra",
       "--torch-backend"},
      {"-r", "--requirement", "--requirements", "-c", "--constraint", "--constraints", "--prefix"}};
  return flags;
}

// A requirement that is a path of the source.
bool is_local(std::string_view requirement) {
  const std::string_view name = requirement.substr(0, requirement.find_first_of(" ;@<>=!~["));
  if (requirement.contains("file:") || name.starts_with('.') || name.starts_with('/')) return true;
  if (requirement.contains("://")) return false;
  constexpr std::string_view kArchives[] = {".whl", ".zip",     ".tar",    ".tar.gz",
                                            ".tgz", ".tar.bz2", ".tbz",    ".tar.xz",
                                            ".txz", ".tlz",     ".tar.lz", ".tar.lzma"};
  return name.contains('/') || std::ranges::any_of(kArchives, [&](std::string_view ending) {
           return name.ends_with(ending);
         });
}

// Follows a requirements file and those that it includes; "" or why it is not proven.
class Requirements {
 public:
  Requirements(const SourceMap& source, InstallProof& proof) : source_(source), proof_(proof) {}

  std::string add(const std::string& path) {
    if (std::ranges::find(proof_.files, path) != proof_.files.end()) return "";
    const auto text = source_.read(path);
    if (!text) return not_there(path);
    if (proof_.files.size() > 50) return "there are too many requirements files";
    proof_.files.push_back(path);
    const std::string folder = path.substr(0, path.rfind('/'));
    std::string line;
    for (std::string_view part : split(*text, '\n')) {
      if (part.ends_with('\r')) part.remove_suffix(1);
      // As pip: a comment ends with its line, and the line before it that goes on with it.
      const bool is_comment = trim(part).starts_with('#');
      const bool goes_on = part.ends_with('\\') && !is_comment;
      if (is_comment) {
        line += ' ';
      } else {
        line += goes_on ? part.substr(0, part.size() - 1) : part;
      }
      if (goes_on) continue;
      if (std::string why = add_line(line, path, folder.empty() ? "/" : folder); !why.empty()) {
        return why;
      }
      line.clear();
    }
    return add_line(line, path, folder.empty() ? "/" : folder);
  }

 private:
  std::string add_line(const std::string& line, const std::string& file,
                       const std::string& folder) {
    std::string_view text = trim(line);
    if (const size_t comment = text.find(" #"); comment != std::string_view::npos) {
      text = trim(text.substr(0, comment));
    }
    if (text.empty() || text.starts_with('#')) return "";
    const std::string name(base_name(file));
    if (!text.starts_with('-')) {
      return is_local(text) ? fmt::format("{} installs from the source: {}", name, text) : "";
    }
    const size_t end = text.find_first_of(" =");
    const std::string_view flag = text.substr(0, end);
    const std::string value(end == std::string_view::npos ? "" : trim(text.substr(end + 1)));
    constexpr std::string_view kIncludes[] = {"-r", "--requirement", "-c", "--constraint"};
    if (std::ranges::find(kIncludes, flag) != std::end(kIncludes)) {
      const std::string included = resolve_path(folder, value);
      return included.empty() || value.contains("://") ? name + " includes " + value
                                                       : add(included);
    }
    constexpr std::string_view kHarmless[] = {"-i",
                                              "--index-url",
                                              "--extra-index-url",
                                              "--trusted-host",
                                              "--pre",
                                              "--only-binary",
                                              "--no-binary",
                                              "--prefer-binary",
                                              "--use-feature",
                                              "--require-hashes"};
    if (std::ranges::find(kHarmless, flag) != std::end(kHarmless)) return "";
    if ((flag == "-f" || flag == "--find-links") && value.contains("://")) return "";
    return fmt::format("{} has \"{}\"", name, text);
  }

  const SourceMap& source_;
  InstallProof& proof_;
};

// The folders around `folder`, from the inside.
std::vector<std::string> folders_above(std::string folder) {
  std::vector<std::string> above;
  for (size_t slash = folder.rfind('/'); slash != std::string::npos && folder != "/";
       slash = folder.rfind('/')) {
    folder = slash == 0 ? "/" : folder.substr(0, slash);
    above.push_back(folder);
  }
  return above;
}

std::string in_folder(const std::string& folder, std::string_view name) {
  return clean_path(folder + "/" + std::string(name));
}

// What uv reads of settings: uv.toml and [tool.uv] of pyproject.toml, here and above. "" or why the
// files that they name are not known.
std::string add_uv_settings(const std::string& folder, const SourceMap& source,
                            InstallProof& proof) {
  std::vector<std::string> folders = folders_above(folder);
  folders.insert(folders.begin(), folder);
  for (const std::string& each : folders) {
    for (const std::string_view name : {"uv.toml", "pyproject.toml"}) {
      const std::string path = in_folder(each, name);
      const auto text = source.read(path);
      if (!text || (name == "pyproject.toml" && !text->contains("tool.uv"))) continue;
      if (text->contains("find-links") || text->contains("file:") || text->contains("url = \".")) {
        return fmt::format("{} names files in uv's settings", name);
      }
      if (std::ranges::find(proof.files, path) == proof.files.end()) proof.files.push_back(path);
    }
  }
  return "";
}

// The dependencies of a pyproject.toml for `uv pip install -r pyproject.toml`: "" or why not.
std::string add_pyproject(const std::string& path, const SourceMap& source, InstallProof& proof) {
  const auto text = source.read(path);
  if (!text) return not_there(path);
  if (text->contains("dynamic") || text->contains("file:")) {
    return "pyproject.toml does not name all dependencies itself";
  }
  if (text->contains("[tool.uv.sources]") &&
      (text->contains("path") || text->contains("workspace"))) {
    return "pyproject.toml installs from the source ([tool.uv.sources])";
  }
  proof.files.push_back(path);
  return "";
}

InstallProof prove_pip(const Install& install, const InstallPlace& place, const SourceMap& source) {
  const size_t skip = 1 + split(install.command, ' ').size();
  Arguments arguments = read_arguments(install.words, skip, pip_flags());
  if (std::ranges::find(install.words, "-e") != install.words.end() ||
      std::ranges::any_of(arguments.words,
                          [](const std::string& w) { return w.starts_with('.'); })) {
    return not_proven(
        "pip installs a project together with its dependencies; name them in requirements.txt, or "
        "use \"uv sync\" with a lock, which can install them alone");
  }
  if (!arguments.unknown.empty()) return not_proven(unknown_flag(install, arguments.unknown));
  InstallProof proof;
  proof.only_reads = true;
  std::vector<std::string> files;
  if (install.command == "pip sync") {
    files = arguments.words;
  } else if (std::ranges::any_of(arguments.words, is_local)) {
    return not_proven("it installs from the source");
  }
  for (auto& [flag, values] : arguments.values) {
    if (flag == "--prefix") {
      for (const std::string& value : values) {
        proof.makes.push_back(resolve_path(place.workdir, value));
      }
      continue;
    }
    files.insert(files.end(), values.begin(), values.end());
  }
  for (const std::string& file : files) {
    const std::string path = resolve_path(place.workdir, file);
    if (path.empty()) return not_proven(file + " has variables");
    std::string why = file.ends_with("pyproject.toml") ? add_pyproject(path, source, proof)
                                                       : Requirements(source, proof).add(path);
    if (!why.empty()) return not_proven(std::move(why));
  }
  if (install.manager->name == "uv") {
    std::string why = add_uv_settings(place.workdir, source, proof);
    if (!why.empty()) return not_proven(std::move(why));
  }
  return proof;
}

std::string value_of(const InstallPlace& place, const std::string& name) {
  const auto found = place.environment.find(name);
  return found == place.environment.end() ? "" : found->second;
}

// Adds what is there among `names`, in `folder`.
void add_existing(const std::string& folder, const Names& names, const SourceMap& source,
                  InstallProof& proof) {
  for (const std::string_view name : names) {
    std::string path = clean_path(folder + "/" + std::string(name));
    if (source.origin(path)) proof.files.push_back(std::move(path));
  }
}

// What uv.lock says of the packages that come from the source.
struct LockedSources {
  bool project_is_package = false;
  bool project_found = false;
  std::vector<std::string> folders;   // of others, "../shared"
  std::vector<std::string> packages;  // names of those among them that are built
  std::string local_index;            // a directory of wheels or a repository of the source
};

LockedSources locked_sources(const std::string& lock) {
  LockedSources found;
  std::string name;
  for (const std::string& line : split(lock, '\n')) {
    if (line.starts_with("name = \"")) name = line.substr(8, line.find('"', 8) - 8);
    if (!line.starts_with("source = {")) continue;
    for (const std::string_view kind : {"registry = \"", "git = \"", "url = \""}) {
      const size_t at = line.find(kind);
      if (at == std::string::npos) continue;
      const std::string place = line.substr(at + kind.size());
      if (!place.starts_with("http://") && !place.starts_with("https://") &&
          !place.starts_with("ssh://")) {
        found.local_index = name;
      }
    }
    for (const std::string_view kind : {"virtual", "editable", "directory", "path"}) {
      const std::string key = std::string(kind) + " = \"";
      const size_t at = line.find(key);
      if (at == std::string::npos) continue;
      const size_t begin = at + key.size();
      const std::string folder = line.substr(begin, line.find('"', begin) - begin);
      if (folder == ".") {
        found.project_found = true;
        found.project_is_package = kind != "virtual";
      } else {
        found.folders.push_back(folder);
        if (kind != "virtual") found.packages.push_back(name);
      }
    }
  }
  return found;
}

InstallProof prove_uv_sync(const Install& install, const InstallPlace& place,
                           const SourceMap& source) {
  static const KnownFlags known = {
      {"--frozen",
       "--locked",
       "--no-dev",
       "--dev",
       "--all-extras",
       "--all-groups",
       "--no-default-groups",
       "--compile-bytecode",
       "--no-editable",
       "--no-cache",
       "--no-cache-dir",
       "-n",
       "--inexact",
       "--exact",
       "-q",
       "--quiet",
       "-v",
       "--verbose",
       "--no-progress",
       "--no-python-downloads",
       "--native-tls",
       "--no-install-project",
       "--active",
       "--no-build-isolation",
       "--prerelease=allow"},
      {"--extra", "--no-extra", "--group", "--only-group", "--no-group", "--python", "-p",
       "--link-mode", "--index-url", "--default-index", "--index", "--extra-index-url", "-i",
       "--cache-dir", "--index-strategy", "--prerelease", "--resolution"},
      {"--project", "--directory"}};
  const Arguments arguments = read_arguments(install.words, 2, known);
  if (!arguments.unknown.empty()) return not_proven(unknown_flag(install, arguments.unknown));
  std::string folder = place.workdir;
  for (const auto& [flag, values] : arguments.values) {
    for (const std::string& value : values) folder = resolve_path(folder, value);
  }
  if (folder.empty()) return not_proven("the project's directory is named by a variable");
  const std::string manifest = clean_path(folder + "/pyproject.toml");
  const std::string lock_path = clean_path(folder + "/uv.lock");
  const auto project = source.read(manifest);
  const auto lock = source.read(lock_path);
  if (!project) return not_proven(not_there(manifest));
  if (!lock) return not_proven("there is no uv.lock beside pyproject.toml: \"uv lock\" makes it");
  if (project->contains("[tool.uv.workspace]")) return not_proven("the project is a workspace");
  const LockedSources sources = locked_sources(*lock);
  if (!sources.project_found) return not_proven("uv.lock does not name the project");
  if (!sources.local_index.empty()) {
    return not_proven(fmt::format("uv.lock takes {} from the source", sources.local_index));
  }
  InstallProof proof;
  const bool frozen = arguments.flags.contains("--frozen");
  if (!frozen && project->contains("dynamic")) {
    return not_proven("to compare the lock with what is dynamic, uv has to build the project");
  }
  proof.only_reads = frozen || arguments.flags.contains("--locked");
  proof.files = {manifest, lock_path};
  add_existing(folder, {".python-version"}, source, proof);
  if (std::string why = add_uv_settings(folder, source, proof); !why.empty()) {
    return not_proven(std::move(why));
  }
  // With --frozen nobody looks whether the lock fits the other projects.
  for (const std::string& other : sources.folders) {
    if (frozen) break;
    const std::string path = resolve_path(folder, other + "/pyproject.toml");
    if (!source.origin(path)) return not_proven(not_there(path));
    proof.files.push_back(path);
  }
  if (!sources.packages.empty() && !frozen) {
    return not_proven(fmt::format("{} is built from the source", sources.packages[0]));
  }
  const bool again = sources.project_is_package || !sources.packages.empty() || !proof.only_reads;
  if (again && !arguments.flags.contains("--no-install-project")) {
    proof.dependencies_only = install.manager->dependencies_only;
  }
  for (const std::string& package : sources.packages) {
    if (!proof.dependencies_only.empty()) proof.dependencies_only += ' ';
    proof.dependencies_only += "--no-install-package " + package;
  }
  const std::string environment = value_of(place, "UV_PROJECT_ENVIRONMENT");
  proof.makes = {resolve_path(folder, environment.empty() ? ".venv" : environment)};
  return proof;
}

InstallProof prove_poetry(const Install& install, const InstallPlace& place,
                          const SourceMap& source) {
  static const KnownFlags known = {{"--no-root", "--no-interaction", "-n", "--no-ansi", "--no-dev",
                                    "--sync", "--all-extras", "--all-groups", "--compile", "-q",
                                    "--quiet", "-v", "-vv", "-vvv", "--no-cache", "--no-directory"},
                                   {"--only", "--without", "--with", "--extras", "-E"},
                                   {}};
  const Arguments arguments = read_arguments(install.words, 2, known);
  if (!arguments.unknown.empty()) return not_proven(unknown_flag(install, arguments.unknown));
  const std::string manifest = clean_path(place.workdir + "/pyproject.toml");
  const std::string lock = clean_path(place.workdir + "/poetry.lock");
  const auto project = source.read(manifest);
  if (!project) return not_proven(not_there(manifest));
  if (!source.origin(lock)) return not_proven("there is no poetry.lock beside pyproject.toml");
  if (project->contains("path =") || project->contains("path=") || project->contains("file:")) {
    return not_proven("pyproject.toml installs from the source");
  }
  InstallProof proof;
  proof.only_reads = true;
  proof.files = {manifest, lock};
  add_existing(place.workdir, {"poetry.toml"}, source, proof);
  proof.makes = {clean_path(place.workdir + "/.venv")};
  if (!arguments.flags.contains("--no-root") && !project->contains("package-mode = false")) {
    proof.dependencies_only = install.manager->dependencies_only;
  }
  return proof;
}

// "" or what of a package.json needs the source when its packages are installed.
std::string needs_of_package(const std::string& text) {
  const auto package = nlohmann::json::parse(text, nullptr, false);
  if (!package.is_object()) return "package.json cannot be read";
  if (package.contains("workspaces")) return "package.json has workspaces";
  if (package.contains("patchedDependencies") || text.contains("patchedDependencies")) {
    return "package.json patches dependencies";
  }
  if (const auto scripts = package.find("scripts");
      scripts != package.end() && scripts->is_object()) {
    for (const char* name : {"preinstall", "install", "postinstall", "prepublish", "preprepare",
                             "prepare", "postprepare", "dependencies"}) {
      if (scripts->contains(name)) {
        return fmt::format("package.json has a script \"{}\", which may use the source", name);
      }
    }
  }
  for (const char* kind : {"dependencies", "devDependencies", "optionalDependencies",
                           "peerDependencies", "overrides", "resolutions"}) {
    const auto found = package.find(kind);
    if (found == package.end()) continue;
    if (!found->is_object()) return fmt::format("\"{}\" of package.json cannot be read", kind);
    for (const auto& [name, version] : found->items()) {
      const std::string value = version.is_string() ? version.get<std::string>() : version.dump();
      if (value.contains("file:") || value.contains("link:") || value.contains("portal:") ||
          value.contains("workspace:") || value.contains("patch:") || value.starts_with('.') ||
          value.starts_with('/') || value.starts_with('~' + std::string("/"))) {
        return fmt::format("package.json installs {} from the source", name);
      }
    }
  }
  return "";
}

// What one of Node's package managers reads beside package.json.
struct NodeManager {
  std::string_view name;
  Names locks;
  Names others;   // copied where they are there
  Names refused;  // what they can name is not looked at
  Names frozen;   // commands and flags that leave the lock as it is
};

InstallProof prove_node(const Install& install, const InstallPlace& place,
                        const SourceMap& source) {
  static const NodeManager managers[] = {
      {"npm",
       {"package-lock.json", "npm-shrinkwrap.json"},
       {".npmrc"},
       {},
       {"ci", "clean-install"}},
      {"yarn",
       {"yarn.lock"},
       {".npmrc", ".yarnrc"},
       {".yarnrc.yml", ".pnp.cjs"},
       {"--frozen-lockfile", "--immutable", "--pure-lockfile"}},
      {"pnpm",
       {"pnpm-lock.yaml"},
       {".npmrc"},
       {"pnpm-workspace.yaml", ".pnpmfile.cjs"},
       {"--frozen-lockfile"}},
      {"bun", {"bun.lock", "bun.lockb"}, {".npmrc", "bunfig.toml"}, {}, {"--frozen-lockfile"}}};
  static const KnownFlags known = {{"--production",
                                    "--legacy-peer-deps",
                                    "--no-audit",
                                    "--no-fund",
                                    "--ignore-scripts",
                                    "--frozen-lockfile",
                                    "--immutable",
                                    "--pure-lockfile",
                                    "--silent",
                                    "-s",
                                    "--quiet",
                                    "-q",
                                    "--force",
                                    "-f",
                                    "--prefer-offline",
                                    "--no-optional",
                                    "--non-interactive",
                                    "--no-progress",
                                    "--omit=dev",
                                    "--omit=optional",
                                    "--include=dev",
                                    "--no-save",
                                    "--prod",
                                    "-P",
                                    "-D",
                                    "--dev",
                                    "--no-package-lock",
                                    "--verbose",
                                    "--no-frozen-lockfile",
                                    "--ignore-engines",
                                    "--ignore-optional",
                                    "--no-cache",
                                    "--progress=false"},
                                   {"--omit",
                                    "--include",
                                    "--only",
                                    "--loglevel",
                                    "--registry",
                                    "--network-timeout",
                                    "--network-concurrency",
                                    "--fetch-timeout",
                                    "--fetch-retries",
                                    "--cache",
                                    "--store-dir",
                                    "--cache-folder",
                                    "--maxsockets",
                                    "--mutex",
                                    "--reporter",
                                    "--production",
                                    "--progress",
                                    "--audit",
                                    "--fund",
                                    "--cache-dir",
                                    "--install-strategy"},
                                   {}};
  const auto manager = std::ranges::find(managers, install.manager->name, &NodeManager::name);
  std::vector<std::string> words = install.words;
  // "--production=false" stands alone, "--production x" does not exist.
  const Arguments arguments = read_arguments(words, 1, known);
  if (!arguments.unknown.empty()) return not_proven(unknown_flag(install, arguments.unknown));
  if (install.command == "fetch")
    return not_proven("pnpm fetch needs the lock alone: copy it first");
  const std::string manifest = clean_path(place.workdir + "/package.json");
  const auto package = source.read(manifest);
  if (!package) return not_proven(not_there(manifest));
  if (std::string why = needs_of_package(*package); !why.empty()) return not_proven(std::move(why));
  for (const std::string& above : folders_above(place.workdir)) {
    const auto root = source.read(in_folder(above, "package.json"));
    if ((root && root->contains("workspaces")) ||
        source.brings(in_folder(above, "pnpm-workspace.yaml"))) {
      return not_proven(fmt::format("it may belong to a workspace in {}", above));
    }
    if (manager->name == "yarn" &&
        (source.brings(in_folder(above, ".yarnrc")) || source.brings(in_folder(above, ".npmrc")))) {
      return not_proven(fmt::format("yarn also reads settings in {}", above));
    }
  }
  const auto settings = source.read(in_folder(place.workdir, ".yarnrc"));
  if (manager->name == "yarn" && settings &&
      (settings->contains("-path") || settings->contains("offline") || settings->contains("--"))) {
    return not_proven("what .yarnrc asks for is not looked at");
  }
  for (const std::string_view name : manager->refused) {
    if (source.brings(clean_path(place.workdir + "/" + std::string(name)))) {
      return not_proven(fmt::format("what {} asks for is not looked at", name));
    }
  }
  if (source.brings(clean_path(place.workdir + "/binding.gyp"))) {
    return not_proven("binding.gyp makes the install compile the source");
  }
  InstallProof proof;
  proof.files = {manifest};
  add_existing(place.workdir, manager->locks, source, proof);
  const bool frozen = std::ranges::any_of(
      install.words, [&](const std::string& word) { return contains(manager->frozen, word); });
  const bool has_lock = proof.files.size() > 1;
  if (frozen && !has_lock) return not_proven("there is no lock file beside package.json");
  add_existing(place.workdir, manager->others, source, proof);
  proof.makes = {clean_path(place.workdir + "/node_modules")};
  if (!frozen && has_lock) {
    proof.note = "the lock file in the image is the context's, also where the install writes it";
  }
  return proof;
}

InstallProof prove_go(const InstallPlace& place, const SourceMap& source, const Install& install) {
  if (install.words.size() > 3 && install.words[3] != "-x") {
    return not_proven("it downloads modules by name");
  }
  const std::string manifest = clean_path(place.workdir + "/go.mod");
  const auto module = source.read(manifest);
  if (!module) return not_proven(not_there(manifest));
  for (std::string_view line : split(*module, '\n')) {
    const size_t arrow = line.find("=>");
    if (arrow == std::string_view::npos) continue;
    const std::string_view target = trim(line.substr(arrow + 2));
    if (target.starts_with('.') || target.starts_with('/')) {
      return not_proven(fmt::format("go.mod replaces a module by {} of the source", target));
    }
  }
  std::vector<std::string> folders = folders_above(place.workdir);
  folders.push_back(place.workdir);
  for (const std::string& folder : folders) {
    if (source.brings(in_folder(folder, "go.work"))) {
      return not_proven("go.work names other modules of the source");
    }
  }
  InstallProof proof;
  proof.files = {manifest};
  add_existing(place.workdir, {"go.sum"}, source, proof);
  return proof;
}

InstallProof prove_composer(const Install& install, const InstallPlace& place,
                            const SourceMap& source) {
  static const KnownFlags known = {
      {"--no-dev", "--no-interaction", "-n", "--no-scripts", "--no-autoloader", "--prefer-dist",
       "--optimize-autoloader", "-o", "--classmap-authoritative", "-a", "--no-progress", "--quiet",
       "-q", "--ansi", "--no-ansi", "--ignore-platform-reqs", "--no-cache", "--apcu-autoloader",
       "--no-plugins"},
      {"--ignore-platform-req"},
      {}};
  const Arguments arguments = read_arguments(install.words, 2, known);
  if (!arguments.unknown.empty()) return not_proven(unknown_flag(install, arguments.unknown));
  const std::string manifest = clean_path(place.workdir + "/composer.json");
  const std::string lock = clean_path(place.workdir + "/composer.lock");
  const auto text = source.read(manifest);
  if (!text) return not_proven(not_there(manifest));
  if (!source.origin(lock)) return not_proven("there is no composer.lock beside composer.json");
  const auto project = nlohmann::json::parse(*text, nullptr, false);
  if (!project.is_object()) return not_proven("composer.json cannot be read");
  const auto locked = source.read(lock);
  if (text->contains("\"path\"") || text->contains("patches") ||
      (locked && locked->contains("\"type\": \"path\""))) {
    return not_proven("composer.json installs or patches from the source");
  }
  if (project.contains("config") && text->contains("vendor-dir")) {
    return not_proven("composer.json moves the vendor directory");
  }
  InstallProof proof;
  proof.only_reads = true;
  proof.files = {manifest, lock};
  // Flex adds the files of recipes that symfony.lock does not have.
  add_existing(place.workdir, {"symfony.lock", "auth.json"}, source, proof);
  proof.makes = {clean_path(place.workdir + "/vendor")};
  const bool alone =
      arguments.flags.contains("--no-scripts") && arguments.flags.contains("--no-autoloader");
  if (!alone) proof.dependencies_only = install.manager->dependencies_only;
  return proof;
}

InstallProof prove_bundler(const Install& install, const InstallPlace& place,
                           const SourceMap& source) {
  static const KnownFlags known = {{"--quiet", "--no-cache", "--deployment", "--frozen"},
                                   {"--jobs", "-j", "--retry", "--without", "--with"},
                                   {}};
  const Arguments arguments = read_arguments(install.words, 1, known);
  const bool only_jobs = arguments.unknown.starts_with("-j");
  if (!arguments.unknown.empty() && !only_jobs) {
    return not_proven(unknown_flag(install, arguments.unknown));
  }
  if (arguments.flags.contains("--deployment")) {
    return not_proven("--deployment installs into the project and remembers it there");
  }
  const std::string manifest = clean_path(place.workdir + "/Gemfile");
  const std::string lock = clean_path(place.workdir + "/Gemfile.lock");
  const auto text = source.read(manifest);
  if (!text) return not_proven(not_there(manifest));
  if (!source.origin(lock)) return not_proven("there is no Gemfile.lock beside Gemfile");
  for (const std::string_view word :
       {"path", "gemspec", "eval_gemfile", "File", "Dir", "require_relative", "instance_eval",
        "load", "plugin", "file:"}) {
    for (std::string_view line : split(*text, '\n')) {
      line = trim(line);
      if (!line.starts_with('#') && line.contains(word)) {
        return not_proven(fmt::format("Gemfile may read other files (\"{}\")", word));
      }
    }
  }
  InstallProof proof;
  proof.files = {manifest, lock};
  add_existing(place.workdir, {".bundle/config"}, source, proof);
  proof.makes = {clean_path(place.workdir + "/vendor/bundle"),
                 clean_path(place.workdir + "/.bundle")};
  const std::string path = value_of(place, "BUNDLE_PATH");
  if (!path.empty()) proof.makes.push_back(resolve_path(place.workdir, path));
  proof.note = "the lock file in the image is the context's, also where the install writes it";
  return proof;
}

bool names_packages_only(const std::vector<std::string>& words, size_t skip) {
  return std::ranges::all_of(
      words.begin() + static_cast<std::ptrdiff_t>(std::min(skip, words.size())), words.end(),
      [](const std::string& word) {
        return word.starts_with('-') || (!word.contains('/') && !word.contains('$') && word != ".");
      });
}

bool installs_by_name(const Install& install) {
  if (install.from_manifest) return false;
  const std::string_view name = install.manager->name;
  if (name == "apt" || name == "apk" || name == "dnf") return names_packages_only(install.words, 1);
  if (name == "pip" || (name == "uv" && install.command != "add")) {
    const Arguments arguments = read_arguments(install.words, 2, pip_flags());
    return arguments.unknown.empty() && arguments.values.empty() &&
           names_packages_only(arguments.words, 0) &&
           std::ranges::none_of(arguments.words, is_local);
  }
  if (name == "npm" || name == "yarn" || name == "pnpm") {
    return (std::ranges::find(install.words, "-g") != install.words.end() ||
            std::ranges::find(install.words, "--global") != install.words.end()) &&
           std::ranges::none_of(install.words, [](const std::string& word) {
             return word.starts_with('.') || word.starts_with('/') || word.contains(':');
           });
  }
  return false;
}

}  // namespace

InstallProof prove_install(const Install& install, const InstallPlace& place,
                           const SourceMap& source) {
  const std::string_view name = install.manager->name;
  if (place.workdir.empty()) return not_proven("WORKDIR has variables");
  if (name == "pip" || (name == "uv" && install.command.starts_with("pip"))) {
    return prove_pip(install, place, source);
  }
  if (name == "uv") return prove_uv_sync(install, place, source);
  if (name == "poetry") return prove_poetry(install, place, source);
  if (name == "npm" || name == "yarn" || name == "pnpm" || name == "bun") {
    return prove_node(install, place, source);
  }
  if (name == "go") return prove_go(place, source, install);
  if (name == "composer") return prove_composer(install, place, source);
  if (name == "bundler") return prove_bundler(install, place, source);
  if (name == "cargo") {
    return not_proven(
        "cargo needs a source for each target even to compile the dependencies: a cache mount for "
        "its \"target\" directory or cargo-chef would do it, but then later steps must know");
  }
  return not_proven(fmt::format("what {} reads of the source is not known", name));
}

std::string reading_variable(const std::map<std::string, std::string>& environment) {
  constexpr std::string_view kNames[] = {"PIP_CONSTRAINT",
                                         "PIP_BUILD_CONSTRAINT",
                                         "PIP_REQUIREMENT",
                                         "PIP_EDITABLE",
                                         "PIP_FIND_LINKS",
                                         "PIP_CONFIG_FILE",
                                         "UV_CONSTRAINT",
                                         "UV_BUILD_CONSTRAINT",
                                         "UV_OVERRIDE",
                                         "UV_FIND_LINKS",
                                         "UV_CONFIG_FILE",
                                         "UV_ENV_FILE",
                                         "UV_PROJECT",
                                         "UV_WORKING_DIRECTORY",
                                         "UV_WORKING_DIR",
                                         "NPM_CONFIG_USERCONFIG",
                                         "NPM_CONFIG_GLOBALCONFIG",
                                         "GOENV",
                                         "COMPOSER",
                                         "COMPOSER_VENDOR_DIR",
                                         "BUNDLE_GEMFILE"};
  for (const auto& [name, value] : environment) {
    if (value.empty()) continue;
    std::string upper = name;
    std::ranges::transform(upper, upper.begin(), [](char c) {
      return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    if (std::ranges::find(kNames, upper) != std::end(kNames)) return name;
    const bool names_file = value.contains('/') || value.contains("-modfile");
    if ((name == "GOFLAGS" || name == "GOWORK" || name == "NODE_OPTIONS") && names_file) {
      return name;
    }
  }
  return "";
}

namespace {

// Adds homes to `makes`; false where they may be anywhere.
bool adds_user(const std::vector<std::string>& words, std::vector<std::string>& makes) {
  for (size_t i = 1; i < words.size(); ++i) {
    const std::string& word = words[i];
    const bool is_flag = word.starts_with('-');
    const bool is_long = word.starts_with("--");
    if (word.contains('$') || word.starts_with("--home") || word.starts_with("--base-dir") ||
        word.starts_with("--skel")) {
      return false;
    }
    // -d and -b of useradd, -h of busybox: a home; -k: what is in it.
    if (is_flag && !is_long && word.find_first_of("dbhk") != std::string::npos) return false;
    if (!is_flag && !word.empty() && !word.contains('/')) makes.push_back("/home/" + word);
  }
  return true;
}

}  // namespace

bool ignores_source(const ShellCommand& command, const InstallPlace& place, const SourceMap& source,
                    std::vector<std::string>& makes) {
  const std::vector<std::string>& words = command.words;
  if (const auto install = install_of(command, place.environment))
    return installs_by_name(*install);
  const std::string_view program = base_name(words[0]);
  constexpr std::string_view kManagers[] = {"apt-get", "apt", "apk", "dnf", "yum", "microdnf"};
  if (std::ranges::find(kManagers, program) != std::end(kManagers)) {
    return names_packages_only(words, 1);
  }
  constexpr std::string_view kHarmless[] = {"true",     "groupadd",   "addgroup",
                                            "ldconfig", "locale-gen", "update-ca-certificates"};
  if (std::ranges::find(kHarmless, program) != std::end(kHarmless)) return true;
  if (program == "useradd" || program == "adduser") return adds_user(words, makes);
  if (program == "corepack") {
    // What else it does depends on package.json.
    return words.size() > 1 &&
           (words[1] == "enable" || words[1] == "disable" ||
            std::ranges::any_of(words, [](const std::string& word) { return word.contains('@'); }));
  }
  const bool venv = (program.starts_with("python") && words.size() == 4 && words[1] == "-m" &&
                     words[2] == "venv") ||
                    (program == "uv" && words.size() == 3 && words[1] == "venv");
  if (venv && !words.back().starts_with('-')) {
    // Either says which Python it is.
    if (program == "uv" && (source.brings(in_folder(place.workdir, ".python-version")) ||
                            source.brings(in_folder(place.workdir, "pyproject.toml")))) {
      return false;
    }
    makes.push_back(resolve_path(place.workdir, words.back()));
    return !makes.back().empty();
  }
  const bool removes_paths = words[0] == "rm";
  return removes_rubbish(command) &&
         std::ranges::all_of(words.begin() + 1, words.end(), [&](const std::string& word) {
           return !removes_paths || word.starts_with('-') || word.starts_with('/');
         });
}

}  // namespace slipway::dockerfile
