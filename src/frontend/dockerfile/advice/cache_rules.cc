// Rules about package managers and their cache mounts.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/pattern_matcher.h"
#include "base/text.h"
#include "frontend/dockerfile/advice/rules.h"
#include "frontend/dockerfile/advice/step.h"

namespace slipway::dockerfile {
namespace {

std::string remedy_of_mount(const Install& install, const StageFacts& facts) {
  const std::string home = home_of(facts).value_or("/home/" + facts.user);
  std::string mounts;
  for (const std::string& place : cache_places(install, home, facts.image)) {
    if (!mounts.empty()) mounts += ' ';
    mounts += fmt::format("--mount=type=cache,target={}{}", place, install.manager->mount_options);
  }
  std::string remedy = "RUN " + mounts;
  if (!install.cache_turned_off_by.empty()) {
    remedy += fmt::format(", and leave {} out", install.cache_turned_off_by);
  }
  if (install.manager->name == "apt" && !facts.keeps_apt_archives) {
    remedy += ", with \"rm -f /etc/apt/apt.conf.d/docker-clean\" before the first install";
  }
  return remedy;
}

void report(const RunStep& step, std::string detail, std::string remedy) {
  step.step.linter.report({rules::kCacheMountIneffective, std::move(detail), step.run.info.span, "",
                           std::move(remedy)});
}

// A mount where the tool does not look, because the path is of another home.
void check_place(const RunStep& step, const RunMount& mount, const Install& install) {
  if (mount.target.starts_with("~")) {
    report(step,
           fmt::format("\"~\" is no home directory in target={}: {} does not find this cache",
                       mount.target, install.manager->name),
           "write the home directory out: target=/root" + mount.target.substr(1));
    return;
  }
  const std::optional<std::string> home = home_of(step.step.before);
  const bool in_homes =
      is_at_or_below(mount.target, "/root") || is_at_or_below(mount.target, "/home");
  const bool only_home = std::ranges::all_of(
      install.manager->caches, [](std::string_view cache) { return cache.starts_with('~'); });
  if (install.cache || !home || !only_home || !in_homes) return;
  if (is_at_or_below(mount.target, *home)) return;
  report(step,
         fmt::format("{} caches below {}, where the user's home is, not in {}",
                     install.manager->name, *home, mount.target),
         fmt::format("target={}{}", *home, install.manager->caches[0].substr(1)));
}

void check_apt_archives(const RunStep& step, const RunMount& mount) {
  if (!is_at_or_below("/var/cache/apt", mount.target)) return;
  if (keeps_apt_archives(step)) return;
  report(step,
         "Debian's images have /etc/apt/apt.conf.d/docker-clean, which deletes the archives that "
         "this cache mount should keep",
         "rm -f /etc/apt/apt.conf.d/docker-clean before apt-get install");
}

// "rm -rf /var/lib/apt/lists/*" with the cache mounted there.
void check_emptied(const RunStep& step) {
  for (const RunMount& mount : step.mounts) {
    if (mount.type != graph::MountType::Cache) continue;
    const auto empties = [&](const ShellCommand& command) {
      if (command.words[0] == "rm" && std::ranges::any_of(command.words, [&](const auto& word) {
            return mount.target != "/" && is_at_or_below(word, mount.target);
          })) {
        return true;
      }
      return command.words.size() == 2 && command.words[1] == "clean" &&
             (command.words[0] == "apt-get" || command.words[0] == "apt") &&
             is_at_or_below("/var/cache/apt", mount.target);
    };
    const auto found = std::ranges::find_if(step.commands, empties);
    if (found == step.commands.end()) continue;
    report(step,
           fmt::format("\"{}\" empties the cache mounted at {}", join(found->words, " "),
                       mount.target),
           "leave it out: what is in a cache mount is not in the image");
    return;
  }
}

void check_install(const RunStep& step, const Install& install) {
  bool has_mount = false;
  for (const RunMount& mount : step.mounts) {
    if (!is_meant_for(mount, install)) continue;
    has_mount = true;
    if (!install.cache_turned_off_by.empty()) {
      report(step,
             fmt::format("{} is told not to cache ({}), so that the cache at {} stays empty",
                         install.manager->name, install.cache_turned_off_by, mount.target),
             fmt::format("leave {} out", install.cache_turned_off_by));
      return;
    }
    check_place(step, mount, install);
    if (install.manager->name == "apt") check_apt_archives(step, mount);
  }
  if (has_mount || cache_places(install, "~", step.step.before.image).empty()) return;
  step.step.linter.report(
      {rules::kPackageManagerWithoutCacheMount,
       fmt::format("{} downloads everything again each time this runs", install.manager->name),
       step.run.info.span, "", remedy_of_mount(install, step.step.before)});
}

}  // namespace

std::optional<std::string> home_of(const StageFacts& facts) {
  const auto set = facts.environment.find("HOME");
  if (set != facts.environment.end()) return set->second;
  return facts.user.empty() || is_root(facts.user) ? std::optional<std::string>("/root")
                                                   : std::nullopt;
}

bool is_at_or_below(std::string_view path, std::string_view directory) {
  return path.starts_with(directory) &&
         (path.size() == directory.size() || directory == "/" || path[directory.size()] == '/');
}

bool is_meant_for(const RunMount& mount, const Install& install) {
  if (mount.type != graph::MountType::Cache) return false;
  if (mount.target.contains('$') || mount.target.contains(install.manager->name)) return true;
  if (install.cache) {
    return install.cache->contains('$') || is_at_or_below(*install.cache, mount.target) ||
           is_at_or_below(mount.target, *install.cache);
  }
  return std::ranges::any_of(install.manager->caches, [&](std::string_view cache) {
    const std::string_view tail = cache.substr(cache.starts_with('~') ? 1 : 0);
    return mount.target.ends_with(tail) || is_at_or_below(cache, mount.target) ||
           (tail.starts_with("/.cache") && mount.target.ends_with("/.cache")) ||
           is_at_or_below(mount.target, cache) ||
           is_at_or_below(mount.target, "/root" + std::string(tail));
  });
}

bool keeps_apt_archives(const RunStep& step) {
  const std::string source = whole_text(step.run);
  return step.step.before.keeps_apt_archives || source.contains("docker-clean") ||
         source.contains("apt.conf.d") || source.contains("Keep-Downloaded-Packages") ||
         std::ranges::any_of(step.commands, [](const ShellCommand& command) {
           return names_path(command, "/etc/apt/apt.conf.d");
         });
}

void advise_cache_mounts(const RunStep& step) {
  std::set<std::string_view> seen;
  for (const ShellCommand& command : step.commands) {
    const auto install = install_of(command, step.step.before.environment);
    if (install && seen.insert(install->manager->name).second) check_install(step, *install);
  }
  check_emptied(step);
}

}  // namespace slipway::dockerfile
