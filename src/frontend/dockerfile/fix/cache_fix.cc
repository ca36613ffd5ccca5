// Cache mounts where package managers download, and nothing in their RUN that keeps them empty. A
// mount takes its content out of the image; that is all that may change, and only where
//   - the tool reads the cache in its own installs alone, or every step that may read it has the
//     mount (go, cargo),
//   - what turns the cache off or empties it can be taken out of the RUN, and takes nothing out of
//     the layers below; nothing removes a directory around a mount, which would fail,
//   - who runs can write to a mount, which belongs to root.
#include <fnmatch.h>

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/text.h"
#include "frontend/dockerfile/advice/rules.h"
#include "frontend/dockerfile/fix/run_text.h"
#include "frontend/dockerfile/fix/source_map.h"

namespace slipway::dockerfile {
namespace {

constexpr std::string_view kDockerClean = "rm -f /etc/apt/apt.conf.d/docker-clean";
constexpr std::string_view kAptLists = "/var/lib/apt/lists";
constexpr std::string_view kAptArchives = "/var/cache/apt";

// The stages that share layers with a stage: its bases and what is based on them.
std::vector<const Stage*> family_of(const Stage& stage, const Dockerfile& dockerfile) {
  std::map<const Stage*, const Stage*> roots;
  std::map<std::string, const Stage*> by_name;
  for (const Stage& each : dockerfile.stages) {
    const auto base = by_name.find(to_lower(each.base_name));
    roots[&each] = base == by_name.end() ? &each : roots[base->second];
    if (!each.name.empty()) by_name[each.name] = &each;
  }
  std::vector<const Stage*> family;
  for (const Stage& each : dockerfile.stages) {
    if (roots[&each] == roots[&stage]) family.push_back(&each);
  }
  return family;
}

// Programs that read no package of any language's cache.
bool is_harmless(const ShellCommand& command) {
  constexpr std::string_view kPrograms[] = {
      "apt-get", "apt",      "apk",   "dnf",  "yum",    "mkdir",   "cp",
      "mv",      "rm",       "echo",  "true", "chmod",  "chown",   "ls",
      "cat",     "ln",       "touch", "tar",  "strip",  "useradd", "groupadd",
      "adduser", "addgroup", "set",   "cd",   "curl",   "wget",    "update-ca-certificates",
      "ldd",     "file",     "test",  "[",    "printf", "upx",     "install",
      "sed"};
  return std::ranges::find(kPrograms, base_name(command.words[0])) != std::end(kPrograms);
}

std::string why_not_in_run(const RunInstruction& run, const PackageManager& manager) {
  const auto commands = commands_of(run);
  const int line = run.info.span.first_line;
  if (!commands) return fmt::format("line {} may read packages out of the cache", line);
  for (const ShellCommand& command : *commands) {
    const auto install = install_of(command, {});
    if (install && install->manager == &manager) {
      if (run.network != RunNetwork::None) continue;
      return fmt::format("line {} has no network and needs the packages in the cache", line);
    }
    if (is_harmless(command)) continue;
    return fmt::format("{} (line {}) may read packages out of the cache", command.words[0], line);
  }
  return "";
}

// Starts a program that was compiled: one that needs no packages.
bool starts_binary(const CommandLine& command) {
  if (command.args.empty()) return false;
  return command.args[0].starts_with('/') || command.args[0].starts_with("./");
}

std::string why_not_library(const Step& step, const Install& install) {
  const PackageManager& manager = *install.manager;
  if (manager.name != "go" && manager.name != "cargo") {
    return fmt::format("later steps may read packages out of {}'s cache: mount it in all of them",
                       manager.name);
  }
  const Dockerfile& dockerfile = step.input.dockerfile;
  const std::vector<const Stage*> family = family_of(step.stage, dockerfile);
  const Stage* target = &dockerfile.stages.back();
  bool starts = false;
  for (const Stage* stage : family) {
    for (const Instruction& instruction : stage->instructions) {
      const auto* run = std::get_if<RunInstruction>(&instruction);
      if (run != nullptr) {
        if (std::string why = why_not_in_run(*run, manager); !why.empty()) return why;
      }
      const auto* cmd = std::get_if<CmdInstruction>(&instruction);
      const auto* entrypoint = std::get_if<EntrypointInstruction>(&instruction);
      const CommandLine* started = cmd          ? &cmd->command
                                   : entrypoint ? &entrypoint->command
                                                : nullptr;
      if (started == nullptr) continue;
      if (entrypoint && !starts_binary(*started)) return "the image may need the packages";
      starts = starts || starts_binary(*started);
    }
  }
  for (const Stage& stage : dockerfile.stages) {
    if (!step.input.target.empty() && stage.name == to_lower(step.input.target)) target = &stage;
    for (const Instruction& instruction : stage.instructions) {
      const auto* copy = std::get_if<CopyInstruction>(&instruction);
      if (copy == nullptr || copy->from.empty()) continue;
      for (const std::string& source : copy->paths.sources) {
        for (const std::string& place : cache_places(install, "/root", step.before.image)) {
          const std::string path = resolve_path("/", source);
          if (path.empty() || is_at_or_below(place, path) || is_at_or_below(path, place)) {
            return fmt::format("line {} copies the cache", copy->info.span.first_line);
          }
        }
      }
    }
  }
  const bool in_image = std::ranges::find(family, target) != family.end();
  return in_image && !starts ? "the image may need the packages" : "";
}

class CacheFix {
 public:
  CacheFix(const Document& document, const RunStep& step, Proposals& proposals)
      : document_(document),
        step_(step),
        facts_(step.step.before),
        text_(document, step.run),
        proposals_(proposals),
        commands_(step.commands) {}

  void run() {
    std::set<std::string_view> seen;
    for (const ShellCommand& command : step_.commands) {
      const auto install = install_of(command, facts_.environment);
      if (install && seen.insert(install->manager->name).second) take(*install);
    }
    fix_home_signs();
    if (edits_.empty() && mounts_.empty()) return;
    if (!mounts_.empty()) edits_.push_back(text_.with_flags(mounts_));
    std::vector<std::string> mounts;
    for (const std::string& mount : mounts_) mounts.push_back(mount.substr(mount.find('=') + 1));
    mounts.insert(mounts.end(), own_mounts_.begin(), own_mounts_.end());
    std::vector<Expected> expected = as_before(step_.step.stage);
    expected[step_.step.index] = ExpectedRun{&step_.run, commands_, std::move(mounts)};
    proposals_.add({.rule = mounts_.empty() ? rules::kCacheMountIneffective
                                            : rules::kPackageManagerWithoutCacheMount,
                    .line = line(),
                    .what = join(whats_, ", "),
                    .note = join(notes_, "; "),
                    .edits = std::move(edits_),
                    .stage = &step_.step.stage,
                    .expected = std::move(expected)});
  }

 private:
  // What is done for one package manager; it counts only as a whole.
  struct Change {
    std::vector<std::string> mounts;
    std::vector<TextEdit> edits;
    std::vector<ShellCommand> commands;
    std::vector<std::string> whats;
    std::vector<std::string> notes;
  };

  int line() const { return step_.run.info.span.first_line; }

  void take(const Install& install) {
    const bool mounted = std::ranges::any_of(
        step_.mounts, [&](const RunMount& mount) { return is_meant_for(mount, install); });
    const Rule& rule =
        mounted ? rules::kCacheMountIneffective : rules::kPackageManagerWithoutCacheMount;
    if (!step_.step.linter.allows(rule) || install.manager->places.empty()) return;
    Change change;
    change.commands = commands_;
    std::string why = mounted ? "" : add_mounts(install, change);
    if (why.empty()) why = keep_caching(install, change);
    if (why.empty()) why = keep_content(install, mounted, change);
    if (!why.empty()) {
      proposals_.leave(rule, line(), std::move(why));
      return;
    }
    commands_ = std::move(change.commands);
    const auto add = [](auto& to, auto& from) { to.insert(to.end(), from.begin(), from.end()); };
    add(mounts_, change.mounts);
    add(edits_, change.edits);
    add(whats_, change.whats);
    add(notes_, change.notes);
  }

  std::string add_mounts(const Install& install, Change& change) {
    const PackageManager& manager = *install.manager;
    const bool is_system = manager.name == "apt" || manager.name == "apk" || manager.name == "dnf";
    if (!is_system && !is_root(facts_.user)) {
      return fmt::format("{} runs as {}, to whom a cache mount belongs only with uid= and gid=",
                         manager.name, facts_.user);
    }
    const std::optional<std::string> home = home_of(facts_);
    if (!is_system && (!home || !home->starts_with('/') || home->contains('$'))) {
      return "whose home the cache is in is not known";
    }
    if (std::string why = why_not_manager(install); !why.empty()) return why;
    std::vector<std::string> places = cache_places(install, home.value_or("/root"), facts_.image);
    // What removes the lists of an earlier step has to stay, and needs them to be there.
    const bool takes_lists = empties(kAptLists) && !facts_.has_apt_lists;
    if (manager.name == "apt" && !takes_lists) std::erase(places, std::string(kAptLists));
    for (const std::string& place : places) {
      if (!place.starts_with('/') || place.find_first_of("$, \t\"'\\") != std::string::npos) {
        return fmt::format("its cache is at {}, which is not a plain path", place);
      }
      for (const RunMount& mount : step_.mounts) {
        if (is_at_or_below(mount.target, place) || is_at_or_below(place, mount.target)) {
          return fmt::format("something else is mounted at {}", mount.target);
        }
      }
      change.mounts.push_back(
          fmt::format("--mount=type=cache,target={}{}", place, manager.mount_options));
    }
    change.whats.push_back(fmt::format("a cache mount for {}", manager.name));
    change.notes.push_back(
        fmt::format("what was in {} is no longer in the image", join(places, " and ")));
    return "";
  }

  std::string why_not_manager(const Install& install) const {
    const std::string_view name = install.manager->name;
    if (install.manager->use == CacheUse::Library) return why_not_library(step_.step, install);
    if (name == "dnf" && base_name(install.words[0]) != "dnf") {
      return fmt::format("where {} caches depends on the distribution",
                         base_name(install.words[0]));
    }
    if (name == "uv" &&
        (whole_text(step_.run).contains("symlink") || value_of("UV_LINK_MODE") == "symlink")) {
      return "the environment would have symbolic links into the cache";
    }
    if (name == "yarn") return why_not_yarn();
    return "";
  }

  std::string value_of(const std::string& name) const {
    const auto found = facts_.environment.find(name);
    return found == facts_.environment.end() ? "" : found->second;
  }

  // Yarn 2 and later may run packages out of the cache.
  std::string why_not_yarn() const {
    if (step_.step.input.files == nullptr) return "which version of yarn this is, is not known";
    const SourceMap source(facts_.copies, *step_.step.input.files);
    const auto lock = source.read(resolve_path(facts_.workdir, "yarn.lock"));
    const bool classic = lock && lock->contains("yarn lockfile v1") &&
                         !source.brings(resolve_path(facts_.workdir, ".yarnrc.yml"));
    return classic ? "" : "only of yarn 1 it is certain that nothing runs out of the cache";
  }

  // Takes out what turns the cache off.
  std::string keep_caching(const Install& install, Change& change) {
    const std::string off = install.cache_turned_off_by;
    if (install.manager->name == "dnf") return keep_dnf_archives(change);
    if (off.empty()) return "";
    if (!off.starts_with('-')) {
      return fmt::format("{} turns the cache off, and is part of the image's config", off);
    }
    // Without any cache apk asks for new indexes each time; with one it has to be told.
    const std::string instead = install.manager->name == "apk" ? "--update-cache" : "";
    const std::vector<TextEdit> edits = text_.with_word(off, instead);
    change.edits.insert(change.edits.end(), edits.begin(), edits.end());
    for (ShellCommand& command : change.commands) {
      const auto same = install_of(command, facts_.environment);
      const bool is_program = base_name(command.words[0]) == base_name(install.words[0]);
      if (!is_program && (!same || same->manager != install.manager)) continue;
      if (instead.empty()) {
        std::erase(command.words, off);
      } else {
        std::ranges::replace(command.words, off, instead);
      }
    }
    change.whats.push_back(instead.empty() ? "no " + off : instead + " instead of " + off);
    return "";
  }

  std::string keep_dnf_archives(Change& change) {
    for (ShellCommand& command : change.commands) {
      const auto install = install_of(command, {});
      if (!install || install->manager->name != "dnf") continue;
      if (whole_text(step_.run).contains("keepcache")) continue;
      const auto edit = text_.with_words_after(command.words, "--setopt=keepcache=1");
      if (!edit) return "where its command ends is not certain";
      change.edits.push_back(*edit);
      command.words.emplace_back("--setopt=keepcache=1");
    }
    return "";
  }

  // Whether a command of the RUN empties a directory.
  bool empties(std::string_view directory) const {
    return std::ranges::any_of(step_.commands, [&](const ShellCommand& command) {
      return command.words[0] == "rm" &&
             std::ranges::any_of(command.words, [&](const std::string& word) {
               return is_at_or_below(expanded(word), directory);
             });
    });
  }

  std::vector<std::string> mounted_places(const Change& change) const {
    std::vector<std::string> places;
    for (const RunMount& mount : step_.mounts) {
      if (mount.type == graph::MountType::Cache) places.push_back(mount.target);
    }
    for (const std::string& mount : change.mounts) {
      const size_t begin = mount.find("target=") + 7;
      places.push_back(mount.substr(begin, mount.find(',', begin) - begin));
    }
    return places;
  }

  // Takes out what empties the cache, and docker-clean.
  std::string keep_content(const Install& install, bool mounted, Change& change) {
    const std::vector<std::string> places = mounted_places(change);
    for (size_t i = 0; i < change.commands.size();) {
      const std::string why = keep_from(install, places, change, i);
      if (!why.empty()) return why;
    }
    if (install.manager->name != "apt" || keeps_apt_archives(step_)) return "";
    if (mounted && std::ranges::none_of(places, [](const std::string& place) {
          return is_at_or_below(kAptArchives, place);
        })) {
      return "";
    }
    const auto edit = text_.with_first_command(kDockerClean);
    if (!edit) return "docker-clean deletes apt's archives, and cannot be removed before";
    change.edits.push_back(*edit);
    change.commands.insert(change.commands.begin(), ShellCommand{split(kDockerClean, ' '), {}});
    change.whats.emplace_back("docker-clean removed");
    change.notes.emplace_back("/etc/apt/apt.conf.d/docker-clean is no longer in the image");
    return "";
  }

  // As the shell passes it on, as far as that is known: "~", $HOME, the working directory.
  std::string expanded(std::string word) const {
    for (const std::string_view sign : {"~", "$HOME", "${HOME}"}) {
      const bool is_home =
          word.starts_with(sign) && (word.size() == sign.size() || word[sign.size()] == '/');
      if (is_home) word = home_of(facts_).value_or("~") + word.substr(sign.size());
    }
    const std::string path = resolve_path(facts_.workdir, word);
    return path.empty() ? word : path;
  }

  // Whether a word names a directory around the place, itself or by a pattern ("/root/.cache/*").
  static bool is_around(const std::string& word, const std::string& place) {
    const size_t pattern = word.find_first_of("*?[");
    if (pattern == std::string::npos) return is_at_or_below(place, word);
    const size_t name = word.rfind('/', pattern) + 1;
    if (name == 0 || !place.starts_with(word.substr(0, name))) return false;
    const auto first_of = [name](const std::string& path) {
      return path.substr(name, path.find('/', name) - name);
    };
    return ::fnmatch(first_of(word).c_str(), first_of(place).c_str(), FNM_PERIOD) == 0;
  }

  // "" or why a command would not end well where mounts are: they cannot be removed or moved.
  std::string why_not_beside(const ShellCommand& command,
                             const std::vector<std::string>& places) const {
    const std::string_view program = base_name(command.words[0]);
    const auto has = [&](std::string_view word) {
      return std::ranges::find(command.words, word) != command.words.end();
    };
    const bool finds = program == "find" && (has("-delete") || has("-exec") || has("-execdir"));
    if (program != "rm" && program != "rmdir" && program != "mv" && !finds) return "";
    for (size_t i = 1; i < command.words.size(); ++i) {
      if (command.words[i].starts_with('-')) continue;
      const std::string word = expanded(command.words[i]);
      for (const std::string& place : places) {
        const bool inside = is_at_or_below(word, place);
        if (program == "rm" ? inside || !is_around(word, place)
                            : !inside && !is_around(word, place)) {
          continue;
        }
        return fmt::format("\"{}\" would meet the mount at {}", join(command.words, " "), place);
      }
    }
    return "";
  }

  // Looks at command `i`, and goes to the next.
  std::string keep_from(const Install& install, const std::vector<std::string>& places,
                        Change& change, size_t& i) {
    ShellCommand& command = change.commands[i];
    const auto in_cache = [&](const std::string& word) {
      return std::ranges::any_of(places, [&](const std::string& place) {
        return place != "/" && is_at_or_below(expanded(word), place);
      });
    };
    if (std::string why = why_not_beside(command, places); !why.empty()) return why;
    const std::string_view program = base_name(command.words[0]);
    std::vector<std::string> emptied;
    bool whole = false;
    if (program == "rm") {
      std::ranges::copy_if(command.words, std::back_inserter(emptied), in_cache);
      whole = std::ranges::all_of(
          command.words.begin() + 1, command.words.end(),
          [&](const std::string& word) { return word.starts_with('-') || in_cache(word); });
    } else if (cleans(install, command)) {
      emptied = {"clean"};
      whole = true;
    }
    if (emptied.empty()) {
      ++i;
      return "";
    }
    const std::string line = join(command.words, " ");
    if (facts_.left_caches.contains(install.manager->name)) {
      return fmt::format("\"{}\" may remove what an earlier step left", line);
    }
    if (whole) {
      const auto edit = text_.without_command(command.words);
      if (!edit) return fmt::format("\"{}\" empties the cache, and cannot be taken out", line);
      change.edits.push_back(*edit);
      change.commands.erase(change.commands.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      for (const std::string& word : emptied) {
        const std::vector<TextEdit> edits = text_.with_word(word, "");
        change.edits.insert(change.edits.end(), edits.begin(), edits.end());
        std::erase(command.words, word);
      }
      ++i;
    }
    change.whats.push_back(fmt::format("no \"{}\"", line));
    return "";
  }

  static bool cleans(const Install& install, const ShellCommand& command) {
    const std::string line = join(command.words, " ");
    if (install.manager->name == "apt") {
      return line == "apt-get clean" || line == "apt clean" || line == "apt-get autoclean";
    }
    return install.manager->name == "dnf" && command.words[0] == "dnf" &&
           std::ranges::find(command.words, "clean") != command.words.end();
  }

  // "target=~/.cache" is no home directory.
  void fix_home_signs() {
    own_mounts_ = step_.run.mounts;
    const std::optional<std::string> home = home_of(facts_);
    if (!home || !home->starts_with('/') || home->contains('$')) return;
    if (!is_root(facts_.user) || !step_.step.linter.allows(rules::kCacheMountIneffective)) return;
    for (std::string& mount : own_mounts_) {
      for (const char* key : {"target=~/", "dst=~/", "destination=~/"}) {
        const size_t in_mount = mount.find(key);
        const size_t in_text = document_.text.find(mount, text_.begin());
        if (in_mount == std::string::npos || in_text == std::string::npos) continue;
        const size_t sign = std::string_view(key).size() - 2;
        edits_.push_back({in_text + in_mount + sign, in_text + in_mount + sign + 1, *home});
        mount.replace(in_mount + sign, 1, *home);
        whats_.push_back("the home directory written out");
        break;
      }
    }
  }

  const Document& document_;
  const RunStep& step_;
  const StageFacts& facts_;
  RunText text_;
  Proposals& proposals_;
  std::vector<ShellCommand> commands_;  // as they will be
  std::vector<std::string> own_mounts_;
  std::vector<std::string> mounts_;
  std::vector<TextEdit> edits_;
  std::vector<std::string> whats_;
  std::vector<std::string> notes_;
};

}  // namespace

void fix_caches(const Document& document, const RunStep& step, Proposals& proposals) {
  CacheFix(document, step, proposals).run();
}

}  // namespace slipway::dockerfile
