// Dependencies before the source: the COPY of the source goes below the RUN that installs, which
// gets the files that it reads by a COPY of their own or by bind mounts. It is done where it is
// proven that
//   - the install reads nothing else of the source (install_proof.h),
//   - nothing between the COPY and the RUN reads the source or writes where it goes,
//   - the source has none of the directories that the install makes, which it would write over,
//   - nothing of it goes where programs look for settings, certificates and other programs.
// What also installs the project itself runs twice: without it before, with it after the source.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "frontend/dockerfile/advice/rules.h"
#include "frontend/dockerfile/fix/install_proof.h"
#include "frontend/dockerfile/fix/run_text.h"

namespace slipway::dockerfile {
namespace {

std::string short_path(const std::string& path) {
  return path.starts_with("?/") ? path.substr(2) : path;
}

std::string quoted(const ShellCommand& command) {
  std::string text = join(command.words, " ");
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return "\"" + text + "\"";
}

bool runs_others(const std::string& source) {
  return source.contains("$(") || source.contains('`');
}

// Reads a file by redirection, or writes one.
bool redirects(const std::string& source) {
  for (size_t at = source.find(" <"); at != std::string::npos; at = source.find(" <", at + 1)) {
    if (source.substr(at + 2, 1) != "<") return true;
  }
  for (size_t at = source.find('>'); at != std::string::npos; at = source.find('>', at + 1)) {
    // Not ">=" of a version.
    if (at == 0 || !std::string_view(" 12&").contains(source[at - 1]) || source[at + 1] == '=') {
      continue;
    }
    const size_t to = source.find_first_not_of("> |", at);
    const std::string_view file = std::string_view(source).substr(std::min(to, source.size()));
    if (!file.starts_with('&') && !file.starts_with("/dev/")) return true;
  }
  return false;
}

class OrderFix {
 public:
  OrderFix(const Document& document, const RunStep& step)
      : document_(document),
        step_(step),
        before_(step.step.before),
        source_(before_.copies, *step.step.input.files),
        text_(document, step.run) {}

  // "" where proposal() can be asked for; else why not.
  std::string prove() {
    for (const auto check :
         {&OrderFix::prove_commands, &OrderFix::prove_cut, &OrderFix::choose_copies,
          &OrderFix::prove_between, &OrderFix::prove_made}) {
      if (std::string why = (this->*check)(); !why.empty()) return why;
    }
    return "";
  }

  std::optional<Proposal> proposal() {
    const Step& step = step_.step;
    std::vector<TextEdit> edits;
    std::vector<std::string> manifests;
    std::vector<std::string> binds;
    use_bind_mounts() ? add_binds(binds) : add_manifest_copies(manifests);
    std::string moved_text;
    for (const size_t copy : moved_) {
      const TextEdit removed = removal(copy);
      std::string text = document_.text.substr(removed.begin, removed.end - removed.begin);
      if (text.starts_with('#')) moved_text += text_.newline();
      moved_text += text;
      edits.push_back(removed);
    }
    for (const std::string& manifest : manifests) edits.back().text += manifest + text_.newline();
    std::string after = moved_text;
    if (!edit_run(binds, edits, after)) return std::nullopt;
    const bool ends = document_.text[text_.end() - 1] == '\n';
    if (!ends) after = text_.newline() + after.substr(0, after.find_last_not_of("\r\n") + 1);
    edits.push_back({text_.end(), text_.end(), std::move(after)});

    std::vector<Expected> expected;
    for (size_t i = 0; i < step.stage.instructions.size(); ++i) {
      // By the last: a WORKDIR before it decides what its destination means.
      if (i == before_.copies[moved_.back()].index) {
        expected.insert(expected.end(), manifests.begin(), manifests.end());
      }
      const bool moves =
          std::ranges::any_of(moved_, [&](size_t copy) { return before_.copies[copy].index == i; });
      if (moves) continue;
      if (i != step.index) {
        expected.emplace_back(&step.stage.instructions[i]);
        continue;
      }
      add_runs(binds, expected);
    }
    return Proposal{.rule = rules::kDependenciesAfterSource,
                    .line = step_.run.info.span.first_line,
                    .what = what(),
                    .note = join(notes_, "; "),
                    .edits = std::move(edits),
                    .stage = &step.stage,
                    .expected = std::move(expected)};
  }

 private:
  // Which commands can run before the source, and which files they read.
  std::string prove_commands() {
    if (runs_others(whole_text(step_.run)) || redirects(whole_text(step_.run))) {
      return "what the commands inside it read is not known";
    }
    InstallPlace place{before_.workdir, before_.environment};
    bool installs = false;
    for (; first_ < step_.commands.size(); ++first_) {
      const ShellCommand& command = step_.commands[first_];
      place.environment = before_.environment;
      for (const auto& [name, value] : command.environment) place.environment[name] = value;
      if (std::string name = reading_variable(place.environment); !name.empty()) {
        return installs ? "" : name + " may name files of the source";
      }
      if (command.words[0] == "cd" && command.words.size() == 2) {
        place.workdir = resolve_path(place.workdir, command.words[1]);
        changes_shell_ = true;
        continue;
      }
      if (command.words[0] == "set") {
        changes_shell_ = true;
        continue;
      }
      const auto install = install_of(command, place.environment);
      if (!install || !install->from_manifest) {
        if (ignores_source(command, place, source_, made_)) continue;
        if (installs) return "";
        return quoted(command) + " before the install may use the source";
      }
      InstallProof proof = prove_install(*install, place, source_);
      if (!proof.why_not.empty()) return installs ? "" : proof.why_not;
      installs = true;
      add(proof);
      only_reads_ = only_reads_ && proof.only_reads;
      syncs_ = syncs_ || (install->manager->name == "uv" && install->command == "sync");
      if (proof.dependencies_only.empty()) continue;
      dependencies_only_ = proof.dependencies_only;
      again_ = first_;
      again_words_ = 1 + split(install->command, ' ').size();
      ++first_;
      return "";
    }
    return "";
  }

  void add(const InstallProof& proof) {
    for (const std::string& file : proof.files) {
      if (std::ranges::find(files_, file) == files_.end()) files_.push_back(file);
    }
    made_.insert(made_.end(), proof.makes.begin(), proof.makes.end());
    if (!proof.note.empty()) notes_.push_back(proof.note);
  }

  bool is_cut() const { return again_ || first_ < step_.commands.size(); }

  std::string prove_cut() {
    const std::string source = whole_text(step_.run);
    if (changes_shell_ && source.contains('(')) return "it changes directories in a subshell";
    if (!is_cut()) return "";
    const bool only_and = source.find_first_of("|;(") == std::string::npos;
    if (changes_shell_ || !only_and || !step_.run.command.files.empty() ||
        !step_.run.command.prepend_shell) {
      return "the rest of the RUN needs the source, and cannot be told apart";
    }
    return "";
  }

  // Which COPYs go below the RUN: from the source on, all but those of the files it reads.
  std::string choose_copies() {
    const std::vector<ContextCopy>& copies = before_.copies;
    const auto first = std::ranges::find(copies, before_.source, &ContextCopy::copy);
    if (first == copies.end() || first->stage != &step_.step.stage) {
      return "the source is copied in the stage that this one is based on";
    }
    std::vector<ContextCopy> moved;
    for (auto i = static_cast<size_t>(first - copies.begin()); i < copies.size(); ++i) {
      const int line = copies[i].copy->info.span.first_line;
      if (!source_.understands(i)) {
        return fmt::format("what line {} copies, and where, is not certain", line);
      }
      const auto wanted =
          static_cast<size_t>(std::ranges::count_if(files_, [&](const std::string& file) {
            const auto origin = source_.origin(file);
            return origin && origin->copy == i;
          }));
      if (source_.names_files_only(i) && wanted == copies[i].copy->paths.sources.size()) continue;
      moved_.push_back(i);
      moved.push_back(copies[i]);
    }
    if (moved_.empty()) return "only the files that it reads are copied before";
    const SourceMap later(moved, *step_.step.input.files);
    if (std::string why = prove_places(moved, later); !why.empty()) return why;
    for (const std::string& file : files_) {
      const auto now = source_.origin(file), then = later.origin(file);
      if (then && now->path != then->path) {
        return fmt::format("{} is copied twice, with different content", short_path(file));
      }
    }
    return "";
  }

  // What goes where programs look by themselves is read by steps that name nothing of the source:
  // certificates, pip.conf, sources.list, a program in the PATH.
  std::string prove_places(const std::vector<ContextCopy>& moved, const SourceMap& later) const {
    std::vector<std::string> places = {"/etc",           "/bin",           "/sbin",
                                       "/lib",           "/lib64",         "/usr/bin",
                                       "/usr/sbin",      "/usr/lib",       "/usr/lib64",
                                       "/usr/share",     "/usr/local/bin", "/usr/local/sbin",
                                       "/usr/local/etc", "/usr/local/lib", "/usr/local/share"};
    for (const std::string& home : {std::string("/root"), home_of(before_).value_or("/root")}) {
      for (const char* name : {".netrc", ".gitconfig", ".git-credentials", ".ssh", ".config",
                               ".pip", ".npmrc", ".yarnrc", ".bundle", ".composer", ".cargo",
                               ".gnupg", ".local", ".curlrc", ".wgetrc"}) {
        places.push_back(home + "/" + name);
      }
    }
    for (const std::string& place : places) {
      if (std::ranges::find(files_, place) != files_.end()) continue;
      for (size_t i = 0; i < moved.size(); ++i) {
        if (!is_at_or_below(later.destination(i), place)) continue;
        return fmt::format("line {} copies to {}, which other steps may read",
                           moved[i].copy->info.span.first_line, later.destination(i));
      }
      if (later.brings(place)) return place + " comes with the source, and other steps may read it";
    }
    return "";
  }

  std::string prove_between() {
    const ContextCopy& first = before_.copies[moved_[0]];
    std::string workdir = first.workdir;
    bool sets_variables = false;
    for (size_t i = first.index + 1; i < step_.step.index; ++i) {
      const Instruction& instruction = step_.step.stage.instructions[i];
      const int line = info_of(instruction).span.first_line;
      if (const auto* to = std::get_if<WorkdirInstruction>(&instruction)) {
        workdir = resolve_path(workdir, to->path);
        if (moves_relative_before(i)) {
          return fmt::format("WORKDIR (line {}) stands between the source and the install", line);
        }
      } else if (const auto* run = std::get_if<RunInstruction>(&instruction)) {
        if (std::string why = prove_run(*run, workdir); !why.empty()) return why;
      } else if (std::holds_alternative<AddInstruction>(instruction) ||
                 writes_to_source(instruction, workdir)) {
        return fmt::format("line {} may write where the source goes", line);
      }
      sets_variables |= std::holds_alternative<EnvInstruction>(instruction) ||
                        std::holds_alternative<ArgInstruction>(instruction);
    }
    const bool variable = std::ranges::any_of(
        moved_, [&](size_t copy) { return before_.copies[copy].copy->info.source.contains('$'); });
    return sets_variables && variable ? "the COPY of the source has variables" : "";
  }

  bool moves_relative_before(size_t index) const {
    return std::ranges::any_of(moved_, [&](size_t copy) {
      const ContextCopy& each = before_.copies[copy];
      return each.index < index && !each.copy->paths.dest.starts_with('/');
    });
  }

  std::string prove_run(const RunInstruction& run, const std::string& workdir) {
    const auto commands = commands_of(run);
    const int line = run.info.span.first_line;
    if (!commands || runs_others(whole_text(run)) || redirects(whole_text(run))) {
      return fmt::format("what line {} reads of the source is not known", line);
    }
    for (const ShellCommand& command : *commands) {
      InstallPlace place{workdir, before_.environment};
      for (const auto& [name, value] : command.environment) place.environment[name] = value;
      if (reading_variable(place.environment).empty() &&
          ignores_source(command, place, source_, made_)) {
        continue;
      }
      return fmt::format("{} (line {}) may use the source", quoted(command), line);
    }
    return "";
  }

  // COPY --from into the source's directories, or around them.
  bool writes_to_source(const Instruction& instruction, const std::string& workdir) const {
    const auto* copy = std::get_if<CopyInstruction>(&instruction);
    if (copy == nullptr || copy->from.empty()) return false;
    const std::string to = resolve_path(workdir, copy->paths.dest);
    return to.empty() || std::ranges::any_of(moved_, [&](size_t moved) {
             const std::string& place = source_.destination(moved);
             return is_at_or_below(to, place) || is_at_or_below(place, to);
           });
  }

  std::string prove_made() {
    for (const std::string& path : made_) {
      if (path.empty()) return "a directory that it makes is named by a variable";
      if (source_.brings(path)) {
        return fmt::format(
            "{} of the context would be copied over what the install makes: leave it out with "
            ".dockerignore",
            short_path(path));
      }
    }
    return "";
  }

  // As uv's guide has it. Elsewhere COPY, which everyone knows.
  bool use_bind_mounts() const { return only_reads_ && syncs_; }

  std::vector<SourceMap::Origin> moved_manifests() const {
    std::vector<SourceMap::Origin> origins;
    for (const std::string& file : files_) {
      auto origin = source_.origin(file);
      if (origin && std::ranges::find(moved_, origin->copy) != moved_.end()) {
        origins.push_back(*std::move(origin));
      }
    }
    return origins;
  }

  void add_manifest_copies(std::vector<std::string>& manifests) const {
    std::vector<SourceMap::Origin> origins = moved_manifests();
    for (size_t i = 0; i < origins.size(); ++i) {
      const SourceMap::Origin origin = origins[i];
      if (origin.path.empty()) continue;
      const CopyInstruction& copy = *before_.copies[origin.copy].copy;
      std::string line = copy.info.name;
      if (!copy.chown.empty()) line += " --chown=" + copy.chown;
      if (!copy.chmod.empty()) line += " --chmod=" + copy.chmod;
      if (copy.link) line += " --link";
      for (size_t j = i; j < origins.size(); ++j) {
        if (origins[j].copy != origin.copy || origins[j].folder != origin.folder) continue;
        if (!origins[j].path.empty()) line += " " + origins[j].path;
        origins[j].path.clear();
      }
      manifests.push_back(line + " " + origin.folder);
    }
  }

  void add_binds(std::vector<std::string>& binds) const {
    const std::string here = before_.workdir == "/" ? "/" : before_.workdir + "/";
    for (const std::string& file : files_) {
      const auto origin = source_.origin(file);
      if (!origin || std::ranges::find(moved_, origin->copy) == moved_.end()) continue;
      const std::string target = file.starts_with(here) ? file.substr(here.size()) : file;
      binds.push_back(fmt::format("--mount=type=bind,source={},target={}", origin->path, target));
    }
  }

  // A COPY with the comments right above it.
  TextEdit removal(size_t copy) const {
    const SourceSpan& span = before_.copies[copy].copy->info.span;
    auto line = static_cast<size_t>(span.first_line) - 1;
    const auto is_comment = [&](size_t at) {
      const size_t first = document_.text.find_first_not_of(" \t", document_.line_starts[at]);
      return first != std::string::npos && document_.text[first] == '#';
    };
    while (line > 0 && is_comment(line - 1)) --line;
    return {document_.line_starts[line], document_.end_of(span), ""};
  }

  // The RUN without what needs the source, which goes to `after`.
  bool edit_run(const std::vector<std::string>& binds, std::vector<TextEdit>& edits,
                std::string& after) const {
    if (!binds.empty()) edits.push_back(text_.with_flags(binds));
    if (!is_cut()) return true;
    const std::vector<ShellCommand>& commands = step_.commands;
    if (again_) {
      const std::vector<std::string>& words = commands[*again_].words;
      const auto flags = text_.with_words_after(
          {words.begin(), words.begin() + static_cast<std::ptrdiff_t>(again_words_)},
          dependencies_only_);
      if (!flags) return false;
      edits.push_back(*flags);
    }
    const auto second = text_.cut_before(commands[again_.value_or(first_)].words);
    if (!second) return false;
    if (first_ < commands.size()) {
      const auto rest = text_.cut_before(commands[first_].words);
      if (!rest) return false;
      const size_t last = document_.text.find_last_not_of("\r\n", text_.end() - 1) + 1;
      if (rest->first_end >= last) return false;
      edits.push_back({rest->first_end, last, ""});
    }
    after += std::string(text_.head()) + std::string(text_.from(second->second_begin));
    return true;
  }

  void add_runs(const std::vector<std::string>& binds, std::vector<Expected>& expected) const {
    const RunInstruction& run = step_.run;
    std::vector<std::string> mounts;
    for (const std::string& bind : binds) mounts.push_back(bind.substr(bind.find('=') + 1));
    mounts.insert(mounts.end(), run.mounts.begin(), run.mounts.end());
    const auto begin = step_.commands.begin();
    std::vector<ShellCommand> commands(begin, begin + static_cast<std::ptrdiff_t>(first_));
    if (again_) {
      std::vector<std::string>& words = commands[*again_].words;
      const std::vector<std::string> flags = split(dependencies_only_, ' ');
      words.insert(words.begin() + static_cast<std::ptrdiff_t>(again_words_), flags.begin(),
                   flags.end());
    }
    expected.emplace_back(ExpectedRun{&run, std::move(commands), std::move(mounts)});
    for (const size_t copy : moved_) {
      expected.emplace_back(&step_.step.stage.instructions[before_.copies[copy].index]);
    }
    if (!is_cut()) return;
    const auto second = static_cast<std::ptrdiff_t>(again_.value_or(first_));
    expected.emplace_back(ExpectedRun{&run, {begin + second, step_.commands.end()}, run.mounts});
  }

  std::string what() const {
    std::vector<std::string> names;
    for (const std::string& file : files_) names.emplace_back(base_name(file));
    std::string text = fmt::format("install by {} before the source is copied", join(names, ", "));
    if (again_) text += ", the project itself after it";
    return text;
  }

  const Document& document_;
  const RunStep& step_;
  const StageFacts& before_;
  SourceMap source_;
  RunText text_;
  size_t first_ = 0;             // commands that run before the source
  std::optional<size_t> again_;  // the one among them that runs again after it
  size_t again_words_ = 0;       // of it, up to its flags
  std::string dependencies_only_;
  bool changes_shell_ = false;  // a later command depends on an earlier one
  bool only_reads_ = true;
  bool syncs_ = false;
  std::vector<std::string> files_;  // in the image
  std::vector<std::string> made_;
  std::vector<std::string> notes_;
  std::vector<size_t> moved_;  // among before_.copies
};

}  // namespace

void fix_order(const Document& document, const RunStep& step, Proposals& proposals) {
  if (!step.step.linter.allows(rules::kDependenciesAfterSource)) return;
  if (!install_after_source(step)) return;
  const int line = step.run.info.span.first_line;
  const auto leave = [&](std::string why) {
    proposals.leave(rules::kDependenciesAfterSource, line, std::move(why));
  };
  if (step.step.input.files == nullptr) return leave("the context's files are not known");
  OrderFix fix(document, step);
  if (std::string why = fix.prove(); !why.empty()) return leave(std::move(why));
  auto proposal = fix.proposal();
  if (!proposal) return leave("its commands cannot be told apart in the text");
  proposals.add(*std::move(proposal));
}

}  // namespace slipway::dockerfile
