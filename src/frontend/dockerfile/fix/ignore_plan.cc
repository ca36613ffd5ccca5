#include "frontend/dockerfile/fix/ignore_plan.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/pattern_matcher.h"
#include "base/text.h"
#include "frontend/dockerfile/advice/rules.h"
#include "frontend/dockerfile/advice/step.h"
#include "frontend/dockerfile/ignore_file.h"

namespace slipway::dockerfile {
namespace {

constexpr uint64_t kWorthALine = 1'000'000;

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> list) {
  return std::ranges::find(list, word) != list.end();
}

// What a Dockerfile reads of the context, and what it says.
class Uses {
 public:
  explicit Uses(const Dockerfile& dockerfile) {
    for (const Stage& stage : dockerfile.stages) {
      said_ += stage.info.source + "\n";
      for (const Instruction& instruction : stage.instructions) {
        const auto* says = std::get_if<RunInstruction>(&instruction);
        said_ += (says ? whole_text(*says) : info_of(instruction).source) + "\n";
        if (const auto* copy = std::get_if<CopyInstruction>(&instruction)) {
          if (copy->from.empty()) add_sources(copy->paths.sources);
        } else if (const auto* add = std::get_if<AddInstruction>(&instruction)) {
          add_sources(add->paths.sources);
        } else if (const auto* run = std::get_if<RunInstruction>(&instruction)) {
          add_run(*run);
        }
      }
    }
  }

  // Whether a directory is copied or mounted with others.
  bool takes_along(const std::string& path) const {
    return std::ranges::any_of(sources_, [&](const std::string& source) {
      return is_whole_context(source) || is_at_or_below(path, context_path(source));
    });
  }
  // Whether it, or what is in it, is asked for by name.
  bool names(const std::string& path) const {
    return std::ranges::any_of(sources_, [&](const std::string& source) {
      return !is_whole_context(source) && is_at_or_below(context_path(source), path);
    });
  }
  // Whether any instruction has the word, with no letter before or after it.
  bool says(std::string_view word) const {
    const auto is_letter = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '_' || c == '-';
    };
    for (size_t at = said_.find(word); at != std::string::npos; at = said_.find(word, at + 1)) {
      const bool starts = at == 0 || !is_letter(said_[at - 1]);
      const size_t end = at + word.size();
      if (starts && (end >= said_.size() || !is_letter(said_[end]))) return true;
    }
    return false;
  }
  bool installs_by(std::initializer_list<std::string_view> managers) const {
    return std::ranges::any_of(
        managers, [&](std::string_view manager) { return managers_.contains(manager); });
  }

 private:
  void add_sources(const std::vector<std::string>& sources) {
    sources_.insert(sources_.end(), sources.begin(), sources.end());
  }
  void add_run(const RunInstruction& run) {
    const auto as_written = [](std::string_view word) -> Result<std::string> {
      return std::string(word);
    };
    const auto mounts = parse_mounts(run, as_written);
    for (const RunMount& mount : mounts ? *mounts : std::vector<RunMount>()) {
      if (mount.type == graph::MountType::Bind && mount.from.empty()) {
        sources_.push_back(mount.source.empty() ? "." : mount.source);
      }
    }
    const auto commands = commands_of(run);
    for (const ShellCommand& command : commands.value_or(std::vector<ShellCommand>())) {
      if (const auto install = install_of(command, {})) managers_.insert(install->manager->name);
    }
  }

  std::vector<std::string> sources_;
  std::string said_;
  std::set<std::string_view> managers_;
};

// What of a project asks git for its version when it is built; "" where nothing is seen to.
std::string asks_git(ContextFiles& files) {
  constexpr size_t kMostBytes = 1 << 20;
  for (const char* name :
       {"pyproject.toml", "setup.py", "setup.cfg", "package.json", "Makefile", "CMakeLists.txt",
        "build.gradle", "build.gradle.kts", "pom.xml", "Cargo.toml", "build.rs", "Rakefile"}) {
    const std::string text = files.read(name, kMostBytes).value_or("");
    for (const std::string_view word :
         {"git describe", "git rev-parse", "git log", "git rev-list", "\"git\"", "setuptools_scm",
          "setuptools-scm", "hatch-vcs", "versioneer", "versioningit", "dynamic-versioning", "pbr",
          "flit_scm", "pdm-backend", "vergen", "git-version", "git-commit-id", "gitversion"}) {
      if (text.contains(word)) return name;
    }
  }
  return "";
}

// "" where a directory that tools make may be left out.
std::string why_keep(const std::string& name, const Uses& uses, ContextFiles& files) {
  if (name == "node_modules") {
    const bool is_node = uses.says("node") || uses.says("npm") || uses.says("yarn") ||
                         uses.says("pnpm") || uses.says("bun") || uses.says(name);
    return is_node && !uses.installs_by({"npm", "yarn", "pnpm", "bun"})
               ? "no RUN installs it: the image may need the one that is here"
               : "";
  }
  if (is_one_of(name, {".venv", "venv"})) {
    return uses.says(name) && !uses.installs_by({"uv", "poetry", "pip"})
               ? "no RUN installs it: the image may need the one that is here"
               : "";
  }
  if (name == ".git") {
    for (const char* command :
         {"git rev-parse", "git describe", "git log", "git show", "git diff", "git status",
          "git tag", "git rev-list", "git submodule", "setuptools_scm", "hatch-vcs"}) {
      if (uses.says(command)) return fmt::format("\"{}\" reads it", command);
    }
    if (const std::string file = asks_git(files); !file.empty()) {
      return fmt::format("{} may read the version there", file);
    }
    return uses.says("go build") || uses.says("go install")
               ? "go writes the version that it finds there into what it builds"
               : "";
  }
  if (is_one_of(name, {".next", ".nuxt", ".svelte-kit"})) {
    return uses.says("build") ? "" : "no RUN builds it: the image may need the one that is here";
  }
  return uses.says(name) ? "an instruction names it" : "";
}

std::string why_keep_untracked(const std::string& path, const Uses& uses) {
  const std::string name(base_name(path));
  if (is_one_of(name, {"dist", "build", "target", "out", "public", "bin", "lib", "release"})) {
    return "it may have been built for the image";
  }
  return uses.says(name) || uses.says(path) ? "an instruction names it" : "";
}

// Directories of one name, left out by one line.
struct Group {
  std::vector<std::string> paths;
  uint64_t bytes = 0;
};

class Planning {
 public:
  Planning(const IgnoreInput& input, const PatternMatcher& present)
      : input_(input), present_(present) {
    for (const Dockerfile* dockerfile : input.dockerfiles) uses_.emplace_back(*dockerfile);
  }

  IgnorePlan run() {
    std::map<std::string, Group> groups;
    for (const ContextFiles::Directory& each : input_.files->by_products()) {
      if (may_leave_out(each, /*made=*/true)) {
        Group& group = groups[std::string(base_name(each.path))];
        group.paths.push_back(each.path);
        group.bytes += each.bytes;
      }
    }
    std::vector<ContextFiles::Directory> untracked;
    for (const ContextFiles::Directory& each : input_.files->left_out_of_git()) {
      if (may_leave_out(each, /*made=*/false)) untracked.push_back(each);
    }
    const bool worth_it = !untracked.empty() || std::ranges::any_of(groups, [](const auto& group) {
      return group.second.bytes >= kWorthALine;
    });
    plan_.text = input_.text;
    if (!worth_it) return std::move(plan_);
    if (!groups.empty()) add_heading("Tools make these again; no image needs them.");
    for (const auto& [name, group] : groups) add_group(name, group);
    if (!untracked.empty()) add_heading("Not in git, so no build may depend on them.");
    for (const ContextFiles::Directory& each : untracked) {
      add_line(each.path, fmt::format("{}, which git ignores", human_bytes(each.bytes)));
    }
    return std::move(plan_);
  }

 private:
  bool may_leave_out(const ContextFiles::Directory& directory, bool made) {
    const std::string& path = directory.path;
    if (std::ranges::none_of(uses_, [&](const Uses& uses) { return uses.takes_along(path); })) {
      return false;
    }
    std::string why;
    if (present_.may_take_back_below(path) || path.find_first_of("*?[\\!# \n") == 0 ||
        path.find_first_of("*?[\\\n") != std::string::npos) {
      why = "the file takes parts of it back with \"!\", or its name looks like a pattern";
    }
    for (const Uses& uses : uses_) {
      if (why.empty() && uses.names(path)) why = "an instruction copies it by name";
      if (!why.empty()) break;
      why = made ? why_keep(std::string(base_name(path)), uses, *input_.files)
                 : why_keep_untracked(path, uses);
    }
    if (why.empty()) return true;
    kept_.insert(std::string(base_name(path)));
    if (directory.bytes >= kWorthALine) {
      plan_.left.push_back(
          {std::string(rules::kLargeDirectoryNotIgnored.name), 0,
           fmt::format("{} of {} in the context", path, human_bytes(directory.bytes)),
           std::move(why)});
    }
    return false;
  }

  void add_heading(const std::string& heading) {
    if (!plan_.text.empty()) {
      if (!plan_.text.ends_with('\n')) plan_.text += '\n';
      plan_.text += '\n';
    }
    plan_.text += "# " + heading + "\n";
  }

  void add_line(const std::string& pattern, std::string what) {
    plan_.text += pattern + "\n";
    plan_.patterns.push_back(pattern);
    plan_.fixes.push_back({std::string(rules::kLargeDirectoryNotIgnored.name), 0,
                           fmt::format("leave {} out of the context: {}", pattern, what), ""});
  }

  void add_group(const std::string& name, const Group& group) {
    const std::string what =
        group.paths.size() == 1
            ? human_bytes(group.bytes)
            : fmt::format("{} in {} directories", human_bytes(group.bytes), group.paths.size());
    // A pattern could leave out what is kept elsewhere.
    if (present_.has_exclusions() || kept_.contains(name)) {
      for (const std::string& path : group.paths) add_line(path, what);
    } else if (group.paths == std::vector<std::string>{name} && name.starts_with('.') &&
               is_one_of(name, {".git", ".hg", ".svn", ".idea", ".vs"})) {
      add_line(name, what);
    } else {
      add_line("**/" + name, what);
    }
  }

  const IgnoreInput& input_;
  const PatternMatcher& present_;
  std::vector<Uses> uses_;
  std::set<std::string> kept_;  // names
  IgnorePlan plan_;
};

}  // namespace

Result<IgnorePlan> plan_ignores(const IgnoreInput& input) {
  const PatternMatcher present = TRY(PatternMatcher::create(read_ignore_file(input.text)));
  return Planning(input, present).run();
}

}  // namespace slipway::dockerfile
