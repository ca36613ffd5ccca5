#include "frontend/dockerfile/fix/fix.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/check.h"
#include "frontend/dockerfile/advice/rules.h"
#include "frontend/dockerfile/fix/proposal.h"
#include "frontend/dockerfile/instruction_parser.h"

namespace slipway::dockerfile {
namespace {

// Beyond it the rest is left for the next run.
constexpr size_t kMaxFixes = 1000;

const std::array<Rule, 5>& fix_order_of_rules() {
  // What moves steps comes before what changes them.
  static const std::array<Rule, 5> order = {
      rules::kAddInsteadOfCopy, rules::kAptUpdateAlone, rules::kDependenciesAfterSource,
      rules::kPackageManagerWithoutCacheMount, rules::kCacheMountIneffective};
  return order;
}

std::string why_left(std::string_view rule) {
  if (rule == rules::kSecretInLayer.name) {
    return "only who uses the secret knows where it is needed; it has to be changed as well";
  }
  if (rule == rules::kUnpinnedBase.name) return "which version is wanted is not known";
  if (rule == rules::kRootAtRunTime.name) return "which files the service writes is not known";
  if (rule == rules::kNeedlessLayer.name) return "without it the files of the image would differ";
  if (rule == rules::kLargeLayerChangesOften.name) {
    return "which directories change seldom is not known";
  }
  if (rule == rules::kLargeDirectoryNotIgnored.name) return ".dockerignore does not leave it out";
  return "it is not certain that the image would stay the same";
}

Result<Document> read_document(std::string text, const std::string& file) {
  Document document{std::move(text), {}, {0}};
  document.dockerfile = TRY(parse_dockerfile(document.text, file));
  for (size_t at = document.text.find('\n'); at != std::string::npos;
       at = document.text.find('\n', at + 1)) {
    document.line_starts.push_back(at + 1);
  }
  document.line_starts.push_back(document.text.size());
  return document;
}

// Whether the frontend that the file asks for knows RUN --mount.
bool has_mounts(const Dockerfile& dockerfile) {
  return std::ranges::none_of(dockerfile.directives, [](const Directive& directive) {
    return directive.name == "syntax" && (directive.value.ends_with("docker/dockerfile:1.0") ||
                                          directive.value.contains("docker/dockerfile:1.0.") ||
                                          directive.value.ends_with("docker/dockerfile:1.1") ||
                                          directive.value.contains("docker/dockerfile:1.1."));
  });
}

bool same(const Instruction& before, const Instruction& after) {
  if (before.index() != after.index()) return false;
  if (info_of(before).source != info_of(after).source) return false;
  if (const auto* run = std::get_if<RunInstruction>(&before)) {
    return run->command.files == std::get<RunInstruction>(after).command.files;
  }
  if (const auto* copy = std::get_if<CopyInstruction>(&before)) {
    return copy->paths.contents == std::get<CopyInstruction>(after).paths.contents;
  }
  if (const auto* add = std::get_if<AddInstruction>(&before)) {
    return add->paths.contents == std::get<AddInstruction>(after).paths.contents;
  }
  return true;
}

bool same(const ExpectedRun& expected, const Instruction& after) {
  const auto* run = std::get_if<RunInstruction>(&after);
  if (run == nullptr || run->mounts != expected.mounts) return false;
  const RunInstruction& before = *expected.run;
  if (run->network != before.network || run->security != before.security ||
      run->devices != before.devices ||
      run->command.prepend_shell != before.command.prepend_shell ||
      run->command.files.size() != before.command.files.size()) {
    return false;
  }
  const auto commands = commands_of(*run);
  return commands && *commands == expected.commands;
}

bool same_stage(const Stage& before, const Stage& after) {
  return before.info.source == after.info.source && before.info.comments == after.info.comments &&
         reads_as(after, as_before(before));
}

// Whether the new text says what was proposed, and what the old one says else.
bool holds(const Proposal& proposal, const Document& before, const Dockerfile& after) {
  const Dockerfile& old = before.dockerfile;
  if (old.stages.size() != after.stages.size() || old.escape != after.escape ||
      old.directives.size() != after.directives.size() ||
      old.meta_args.size() != after.meta_args.size()) {
    return false;
  }
  for (size_t i = 0; i < old.directives.size(); ++i) {
    if (old.directives[i].name != after.directives[i].name ||
        old.directives[i].value != after.directives[i].value) {
      return false;
    }
  }
  for (size_t i = 0; i < old.meta_args.size(); ++i) {
    if (old.meta_args[i].info.source != after.meta_args[i].info.source) return false;
  }
  for (size_t i = 0; i < old.stages.size(); ++i) {
    const bool changes = &old.stages[i] == proposal.stage;
    if (changes ? old.stages[i].info.source != after.stages[i].info.source ||
                      !reads_as(after.stages[i], proposal.expected)
                : !same_stage(old.stages[i], after.stages[i])) {
      return false;
    }
  }
  return true;
}

class Planning {
 public:
  explicit Planning(const FixInput& input) : input_(input), edited_(input.text) {}

  Result<FixPlan> run() {
    for (bool changed = true; changed && plan_.fixes.size() < kMaxFixes;) {
      const Document document = TRY(read_document(edited_.text(), input_.file));
      Proposals proposals;
      collect(document, proposals);
      changed = take_one(document, proposals);
      if (!changed) tell_left(document, proposals);
    }
    plan_.text = edited_.text();
    plan_.edits = edited_.edits();
    std::ranges::stable_sort(plan_.fixes, {}, &Fixed::line);
    return std::move(plan_);
  }

 private:
  AdviceInput advice_input(const Document& document) const {
    return {document.dockerfile, input_.target, input_.image, input_.files};
  }

  void collect(const Document& document, Proposals& proposals) const {
    std::vector<Finding> none;
    walk_steps(advice_input(document), Linter(input_.options, none), [&](const Step& step) {
      fix_add(document, step, proposals);
      const auto* run = std::get_if<RunInstruction>(&step.stage.instructions[step.index]);
      if (run == nullptr) return;
      const auto known = understood(step, *run);
      if (!known) return;
      fix_apt_update(document, *known, proposals);
      if (!has_mounts(document.dockerfile)) return;
      fix_order(document, *known, proposals);
      fix_caches(document, *known, proposals);
    });
  }

  bool take_one(const Document& document, const Proposals& proposals) {
    for (const Rule& rule : fix_order_of_rules()) {
      for (const Proposal& proposal : proposals.proposals()) {
        if (proposal.rule.name == rule.name && take(document, proposal)) return true;
      }
    }
    return false;
  }

  bool take(const Document& document, const Proposal& proposal) {
    if (!fit_together(proposal.edits, document.text.size())) return false;
    std::string text = apply_edits(document.text, proposal.edits);
    if (text == document.text || !seen_.insert(text).second) return false;
    const auto after = parse_dockerfile(text, input_.file);
    if (!after || !holds(proposal, document, *after)) return false;
    const size_t begin = document.line_starts[static_cast<size_t>(proposal.line) - 1];
    plan_.fixes.push_back(
        {std::string(proposal.rule.name), original_line(begin), proposal.what, proposal.note});
    edited_.apply(proposal.edits);
    return true;
  }

  // What the rules still find, each with its reason.
  void tell_left(const Document& document, const Proposals& proposals) {
    std::vector<Finding> findings;
    advise(advice_input(document), Linter(input_.options, findings));
    for (const Finding& finding : findings) {
      const auto reason = std::ranges::find_if(proposals.reasons(), [&](const auto& each) {
        return each.rule == finding.rule.name && each.line == finding.span.first_line;
      });
      const size_t begin = document.begin_of(finding.span);
      plan_.left.push_back(
          {std::string(finding.rule.name), original_line(begin), finding.detail,
           reason == proposals.reasons().end() ? why_left(finding.rule.name) : reason->why});
    }
    std::ranges::stable_sort(plan_.left, {}, &Left::line);
  }

  int original_line(size_t offset) const {
    return line_at(edited_.original(), edited_.original_offset(offset));
  }

  const FixInput& input_;
  EditedText edited_;
  FixPlan plan_;
  std::set<std::string> seen_;  // texts that were tried
};

}  // namespace

std::vector<Expected> as_before(const Stage& stage) {
  std::vector<Expected> expected;
  for (const Instruction& instruction : stage.instructions) expected.emplace_back(&instruction);
  return expected;
}

bool reads_as(const Stage& stage, const std::vector<Expected>& expected) {
  if (stage.instructions.size() != expected.size()) return false;
  for (size_t i = 0; i < expected.size(); ++i) {
    const Instruction& after = stage.instructions[i];
    const auto* before = std::get_if<const Instruction*>(&expected[i]);
    const auto* run = std::get_if<ExpectedRun>(&expected[i]);
    if (before != nullptr ? !same(**before, after)
        : run != nullptr  ? !same(*run, after)
                          : info_of(after).source != std::get<std::string>(expected[i])) {
      return false;
    }
  }
  return true;
}

std::vector<std::string_view> fixable_rules() {
  std::vector<std::string_view> names;
  for (const Rule& rule : fix_order_of_rules()) names.push_back(rule.name);
  names.push_back(rules::kLargeDirectoryNotIgnored.name);
  return names;
}

Result<FixPlan> plan_fixes(const FixInput& input) {
  return Planning(input).run();
}

}  // namespace slipway::dockerfile
