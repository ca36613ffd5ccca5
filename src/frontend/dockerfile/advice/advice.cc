#include "frontend/dockerfile/advice/advice.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/pattern_matcher.h"
#include "base/text.h"
#include "frontend/dockerfile/advice/rules.h"
#include "frontend/dockerfile/advice/step.h"
#include "oci/reference.h"

namespace slipway::dockerfile {
namespace {

// What a step leaves behind for those after it.
class FactsUpdate {
 public:
  FactsUpdate(const AdviceInput& input, const Stage& stage, size_t index, StageFacts& facts)
      : input_(input), stage_(stage), index_(index), facts_(facts) {}

  void operator()(const EnvInstruction& env) {
    for (const KeyValue& pair : env.pairs) facts_.environment[pair.key] = pair.value;
  }
  void operator()(const UserInstruction& user) { facts_.user = user.user; }
  void operator()(const ShellInstruction& shell) {
    facts_.posix_shell = shell.shell.empty() || is_posix_shell(shell.shell[0]);
  }
  void operator()(const WorkdirInstruction& workdir) {
    facts_.workdir = resolve_path(facts_.workdir, workdir.path);
  }
  void operator()(const CopyInstruction& copy) {
    if (copy.from.empty()) facts_.copies.push_back({&stage_, index_, &copy, facts_.workdir});
    if (facts_.source == nullptr && copies_source(input_, copy)) facts_.source = &copy;
    if (copy.paths.dest.contains("docker-clean") || copy.paths.dest.contains("apt.conf.d")) {
      facts_.keeps_apt_archives = true;
    }
  }
  void operator()(const RunInstruction& run) {
    const auto commands = commands_of(run);
    for (const ShellCommand& command : commands.value_or(std::vector<ShellCommand>())) {
      if (names_path(command, "/etc/apt/apt.conf.d")) facts_.keeps_apt_archives = true;
      const auto install = install_of(command, facts_.environment);
      if (facts_.source == nullptr && install && install->from_manifest) {
        facts_.installed_before_source.insert(install->manager->name);
      }
    }
    // Not understood, or written by a redirection: nobody knows.
    const std::string text = whole_text(run);
    if (text.contains("apt.conf.d")) facts_.keeps_apt_archives = true;
    const bool updates = text.contains("apt-get update") || text.contains("apt update");
    facts_.updates_apt |= updates;
    note_downloads(run, commands.value_or(std::vector<ShellCommand>()), updates);
  }
  template <typename Other>
  void operator()(const Other&) {}

 private:
  // What a RUN leaves below for those after it.
  void note_downloads(const RunInstruction& run, const std::vector<ShellCommand>& commands,
                      bool updates_apt) {
    const auto has_mount = [&](std::string_view place) {
      return std::ranges::any_of(run.mounts,
                                 [&](const std::string& mount) { return mount.contains(place); });
    };
    const bool removes_lists = std::ranges::any_of(commands, [](const ShellCommand& command) {
      return command.words[0] == "rm" && names_path(command, "/var/lib/apt");
    });
    if (!has_mount("/var/lib/apt")) {
      facts_.has_apt_lists = !removes_lists && (updates_apt || facts_.has_apt_lists);
    }
    for (const ShellCommand& command : commands) {
      const auto install = install_of(command, facts_.environment);
      if (!install || !install->cache_turned_off_by.empty()) continue;
      const auto places = cache_places(*install, "", facts_.image);
      if (std::ranges::none_of(places, has_mount))
        facts_.left_caches.insert(install->manager->name);
    }
  }

  const AdviceInput& input_;
  const Stage& stage_;
  size_t index_;
  StageFacts& facts_;
};

void advise_step(const Step& step) {
  const Instruction& instruction = step.stage.instructions[step.index];
  if (const auto* run = std::get_if<RunInstruction>(&instruction)) {
    if (const auto known = understood(step, *run)) {
      advise_run(*known);
      advise_cache_mounts(*known);
    }
  } else if (const auto* copy = std::get_if<CopyInstruction>(&instruction)) {
    advise_copy(step, *copy);
  } else if (const auto* add = std::get_if<AddInstruction>(&instruction)) {
    advise_add(step, *add);
  }
}

void advise_base(const Stage& stage, const std::set<std::string>& stages, const Linter& linter) {
  if (stage.base_name.contains('$') || stage.base_name == "scratch") return;
  if (stages.contains(to_lower(stage.base_name))) return;
  const Result<Reference> reference = Reference::parse(stage.base_name);
  if (!reference || !reference->digest().empty()) return;
  if (!reference->tag().empty() && reference->tag() != "latest") return;
  linter.report(
      {rules::kUnpinnedBase,
       fmt::format("{} is whatever is newest on the day of the build", stage.base_name),
       stage.info.span, "",
       fmt::format("name a version: {}:VERSION, or {}@sha256:... for exactly one image",
                   reference->familiar().substr(0, reference->familiar().rfind(":latest")),
                   reference->familiar().substr(0, reference->familiar().rfind(":latest")))});
}

// Only of images that say what they run: others are bases, or hold files.
void advise_user(const AdviceInput& input, const std::vector<const Stage*>& image_stages,
                 const Linter& linter) {
  if (input.image == nullptr || !is_root(input.image->config.user)) return;
  const InstructionInfo* start = nullptr;
  bool has_user = false;
  for (const Stage* stage : image_stages) {
    for (const Instruction& instruction : stage->instructions) {
      const bool starts = std::holds_alternative<CmdInstruction>(instruction) ||
                          std::holds_alternative<EntrypointInstruction>(instruction);
      if (starts) start = &info_of(instruction);
      has_user |= std::holds_alternative<UserInstruction>(instruction);
    }
  }
  if (start == nullptr) return;
  linter.with_comments(start->comments)
      .report({rules::kRootAtRunTime,
               has_user ? "The last USER is root, so that what this starts runs as root"
                        : "No USER is set, so that what this starts runs as root",
               start->span, "",
               "add a user (RUN useradd --system --uid 10001 app) and \"USER app\" before it"});
}

class StepWalk {
 public:
  StepWalk(const AdviceInput& input, const Linter& linter) : input_(input), linter_(linter) {
    for (const Stage& stage : input.dockerfile.stages) by_name_[stage.name] = &stage;
    by_name_.erase("");
    mark_image_stages();
  }

  void run(const std::function<void(const Step&)>& visit) {
    for (const Stage& stage : input_.dockerfile.stages) walk_stage(stage, visit);
  }
  // The stages that the target's layers come from, base first.
  const std::vector<const Stage*>& image_stages() const { return image_stages_; }

 private:
  void mark_image_stages() {
    const Stage* stage =
        input_.dockerfile.stages.empty() ? nullptr : &input_.dockerfile.stages.back();
    if (!input_.target.empty()) {
      const auto named = by_name_.find(to_lower(input_.target));
      stage = named == by_name_.end() ? nullptr : named->second;
    }
    while (stage != nullptr && std::ranges::find(image_stages_, stage) == image_stages_.end()) {
      image_stages_.insert(image_stages_.begin(), stage);
      const auto base = by_name_.find(to_lower(stage->base_name));
      stage = base == by_name_.end() ? nullptr : base->second;
    }
  }

  void walk_stage(const Stage& stage, const std::function<void(const Step&)>& visit) {
    const auto base = facts_.find(to_lower(stage.base_name));
    StageFacts facts;
    if (base != facts_.end()) {
      facts = base->second;
    } else {
      facts.image = stage.base_name;
    }
    const bool in_image = std::ranges::find(image_stages_, &stage) != image_stages_.end();
    for (size_t i = 0; i < stage.instructions.size(); ++i) {
      const Instruction& instruction = stage.instructions[i];
      const Linter linter = linter_.with_comments(info_of(instruction).comments);
      visit({input_, stage, i, facts, in_image, linter});
      std::visit(FactsUpdate(input_, stage, i, facts), instruction);
    }
    if (!stage.name.empty()) facts_[stage.name] = std::move(facts);
  }

  const AdviceInput& input_;
  const Linter& linter_;
  std::map<std::string, const Stage*> by_name_;
  std::vector<const Stage*> image_stages_;
  std::map<std::string, StageFacts> facts_;  // of stages by name, at their ends
};

}  // namespace

std::optional<RunStep> understood(const Step& step, const RunInstruction& run) {
  if (!step.before.posix_shell) return std::nullopt;
  auto commands = commands_of(run);
  if (!commands) return std::nullopt;
  const auto as_written = [](std::string_view word) -> Result<std::string> {
    return std::string(word);
  };
  auto mounts = parse_mounts(run, as_written);
  if (!mounts) return std::nullopt;
  return RunStep{step, run, *std::move(commands), *std::move(mounts)};
}

void walk_steps(const AdviceInput& input, const Linter& linter,
                const std::function<void(const Step&)>& visit) {
  StepWalk(input, linter).run(visit);
}

std::string resolve_path(const std::string& workdir, const std::string& path) {
  if (workdir.empty() || path.contains('$')) return "";
  std::string resolved = clean_path(path.starts_with('/') ? path : workdir + "/" + path);
  // Above where the base image is, nobody knows where that is.
  return resolved.starts_with('/') || resolved.starts_with('?') ? resolved : "";
}

bool is_root(std::string_view user) {
  const std::string_view name = user.substr(0, user.find(':'));
  return name.empty() || name == "root" || name == "0";
}

void advise(const AdviceInput& input, const Linter& linter) {
  std::set<std::string> earlier;
  for (const Stage& stage : input.dockerfile.stages) {
    advise_base(stage, earlier, linter.with_comments(stage.info.comments));
    if (!stage.name.empty()) earlier.insert(stage.name);
  }
  StepWalk walk(input, linter);
  walk.run(advise_step);
  advise_user(input, walk.image_stages(), linter);
}

}  // namespace slipway::dockerfile
