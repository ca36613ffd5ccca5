// Rules about what RUN executes.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "frontend/dockerfile/advice/rules.h"
#include "frontend/dockerfile/advice/step.h"

namespace slipway::dockerfile {
namespace {

std::string remedy_of_order(const Install& install) {
  const std::string_view name = install.manager->name;
  if (name == "uv") {
    return "bind-mount pyproject.toml and uv.lock for \"uv sync --frozen --no-install-project\", "
           "and "
           "copy the source after it";
  }
  if (name == "pip") return "copy the requirements files alone, install, then copy the source";
  if (name == "npm" || name == "yarn" || name == "pnpm" || name == "bun") {
    return "copy package.json and the lock file alone, install, then copy the source";
  }
  if (name == "cargo") {
    return "keep cargo's \"target\" directory in a cache mount, or let cargo-chef build the "
           "dependencies alone, before the source is copied";
  }
  if (name == "go") return "copy go.mod and go.sum alone, download, then copy the source";
  return "copy the files that name the dependencies alone, install, then copy the source";
}

// Whether what takes long was installed before the source came, or is kept in a cache mount.
bool installs_the_rest(const RunStep& step, const Install& install) {
  const PackageManager& manager = *install.manager;
  if (manager.name == "cargo") {
    return std::ranges::any_of(step.mounts, [](const RunMount& mount) {
      return mount.type == graph::MountType::Cache && mount.target.ends_with("target");
    });
  }
  return !manager.dependencies_only.empty() &&
         step.step.before.installed_before_source.contains(manager.name);
}

void check_order(const RunStep& step) {
  const auto install = install_after_source(step);
  if (!install) return;
  const InstructionInfo& source = step.step.before.source->info;
  step.step.linter.report(
      {rules::kDependenciesAfterSource,
       fmt::format("{} installs again whenever a file of \"{}\" (line {}) changes",
                   install->manager->name, source.source, source.span.first_line),
       step.run.info.span, "", remedy_of_order(*install)});
}

void check_apt_update(const RunStep& step) {
  const AptLists lists = apt_lists(step);
  if (lists == AptLists::InOneStep) return;
  step.step.linter.report(
      {rules::kAptUpdateAlone,
       lists == AptLists::UpdatedAlone
           ? "The lists that this downloads are old by the time a later RUN is changed"
           : "This installs by lists of an earlier RUN, which may be old by now",
       step.run.info.span, "", "RUN apt-get update && apt-get install ... in one instruction"});
}

bool only(const RunStep& step, const auto& matches) {
  return !step.commands.empty() && std::ranges::all_of(step.commands, matches);
}

// What only steps need: caches, temporary files, downloaded archives.
bool is_rubbish(std::string_view path) {
  constexpr std::string_view kPlaces[] = {"/var/lib/apt/lists", "/var/cache",    "/root/.cache",
                                          "/root/.npm",         "/tmp/",         "/var/tmp/",
                                          "~/.cache",           "/usr/share/doc"};
  constexpr std::string_view kEndings[] = {".tar", ".tar.gz", ".tgz", ".tar.xz",
                                           ".zip", ".deb",    ".rpm"};
  return std::ranges::any_of(kPlaces, [&](auto place) { return path.starts_with(place); }) ||
         std::ranges::any_of(kEndings, [&](auto ending) { return path.ends_with(ending); });
}

std::string copied_to(const Instruction* instruction) {
  if (instruction == nullptr) return "";
  if (const auto* copy = std::get_if<CopyInstruction>(instruction)) return copy->paths.dest;
  if (const auto* add = std::get_if<AddInstruction>(instruction)) return add->paths.dest;
  return "";
}

void check_layer(const RunStep& step) {
  const bool has_mounts = !step.mounts.empty();
  if (!step.step.in_image) return;
  if (!has_mounts && only(step, removes_rubbish)) {
    step.step.linter.report(
        {rules::kNeedlessLayer,
         "What this removes stays in the layers below: the image becomes no smaller",
         step.run.info.span, "", "remove it in the RUN that made it, or use a cache mount"});
    return;
  }
  const std::string dest = copied_to(step.step.previous());
  if (dest.empty() || has_mounts) return;
  const bool changes_copy = only(step, [&](const ShellCommand& command) {
    if (command.words[0] != "chown" && command.words[0] != "chmod") return false;
    return std::ranges::any_of(command.words, [&](const std::string& word) {
      return word == dest || word + "/" == dest || word == dest + "/";
    });
  });
  if (!changes_copy) return;
  const std::string flag = "--" + step.commands[0].words[0];
  step.step.linter.report(
      {rules::kNeedlessLayer,
       fmt::format("This layer holds everything copied to {} a second time", dest),
       step.run.info.span, "", fmt::format("give {} to the instruction above", flag)});
}

void check_secrets(const RunStep& step) {
  for (const ShellCommand& command : step.commands) {
    for (const std::string& word : command.words) {
      const size_t scheme = word.find("://");
      if (scheme == std::string::npos) continue;
      const std::string authority =
          word.substr(scheme + 3, word.find('/', scheme + 3) - scheme - 3);
      const size_t at = authority.find('@'), colon = authority.find(':');
      if (at == std::string::npos || colon == std::string::npos || colon > at) continue;
      const std::string password = authority.substr(colon + 1, at - colon - 1);
      if (password.empty() || password.contains('$')) continue;
      step.step.linter.report(
          {rules::kSecretInLayer,
           "The password in this URL is in the image's history, readable by everyone who pulls it",
           step.run.info.span, "",
           "RUN --mount=type=secret,id=..., and give it with --secret; change the password"});
      return;
    }
  }
}

}  // namespace

std::optional<Install> install_after_source(const RunStep& step) {
  if (step.step.before.source == nullptr) return std::nullopt;
  for (const ShellCommand& command : step.commands) {
    auto install = install_of(command, step.step.before.environment);
    if (install && install->from_manifest && !installs_the_rest(step, *install)) return install;
  }
  return std::nullopt;
}

AptLists apt_lists(const RunStep& step) {
  const bool updates = std::ranges::any_of(step.commands, updates_apt);
  const bool installs = std::ranges::any_of(step.commands, [](const ShellCommand& command) {
    return is_apt(command) && install_of(command, {});
  });
  const bool in_cache = std::ranges::any_of(step.mounts, [](const RunMount& mount) {
    return mount.type == graph::MountType::Cache && mount.target.contains("apt");
  });
  if (in_cache || updates == installs) return AptLists::InOneStep;
  if (updates) return AptLists::UpdatedAlone;
  // Without an earlier update they are the image's own.
  return step.step.before.updates_apt ? AptLists::OfEarlierStep : AptLists::InOneStep;
}

bool is_apt(const ShellCommand& command) {
  return !command.words.empty() && (command.words[0] == "apt-get" || command.words[0] == "apt");
}

bool updates_apt(const ShellCommand& command) {
  return is_apt(command) && std::ranges::find(command.words, "update") != command.words.end();
}

bool removes_rubbish(const ShellCommand& command) {
  if (command.words[0] == "rm") {
    return std::ranges::all_of(
        command.words.begin() + 1, command.words.end(),
        [](const std::string& word) { return word.starts_with('-') || is_rubbish(word); });
  }
  const std::string line = join(command.words, " ");
  constexpr std::string_view kCleaning[] = {
      "apt-get clean",   "apt clean", "apt-get autoclean", "pip cache purge",
      "npm cache clean", "dnf clean", "yarn cache clean",  "yum clean"};
  return std::ranges::any_of(kCleaning, [&](auto start) { return line.starts_with(start); });
}

bool names_path(const ShellCommand& command, std::string_view path) {
  return std::ranges::any_of(command.words,
                             [&](const std::string& word) { return word.starts_with(path); });
}

void advise_run(const RunStep& step) {
  check_order(step);
  check_apt_update(step);
  check_layer(step);
  check_secrets(step);
}

}  // namespace slipway::dockerfile
