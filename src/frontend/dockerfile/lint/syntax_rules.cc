#include "frontend/dockerfile/lint/syntax_rules.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/text.h"
#include "frontend/dockerfile/instruction_reader.h"

namespace slipway::dockerfile {
namespace {

bool is_lower(std::string_view text) {
  return text == to_lower(text);
}
bool is_upper(std::string_view text) {
  return text == to_upper(text);
}

void check_from_casing(const Node& node, const SourceSpan& span, const Linter& linter) {
  if (node.args.size() == 3 && !is_lower(node.args[2].value)) {
    linter.report(rules::kStageNameCasing, span,
                  fmt::format("Stage name '{}' should be lowercase", node.args[2].value));
  }
  if (node.args.size() < 3) return;
  // FROM in mixed case is another rule's business.
  const std::string& as = node.args[1].value;
  const bool matches = is_lower(node.name) ? is_lower(as) : !is_upper(node.name) || is_upper(as);
  if (matches) return;
  linter.report(rules::kFromAsCasing, span,
                fmt::format("'{}' and '{}' keywords' casing do not match", as, node.name));
}

// "# NAME what it is" above ARG NAME and FROM ... AS NAME.
void check_description(const Node& node, std::string_view instruction,
                       const std::vector<std::string>& names, const SourceSpan& span,
                       const Linter& linter) {
  if (node.comments.empty() || names.empty()) return;
  const std::string& comment = node.comments.back();
  const std::string first_word = comment.substr(0, comment.find(' '));
  if (std::ranges::find(names, first_word) != names.end()) return;
  const std::string& example = names.size() == 1 ? names[0] : "<arg_key>";
  linter.report(rules::kInvalidDefinitionDescription, span,
                fmt::format("Comment for {} should follow the format: `# {} <description>`",
                            instruction, example));
}

std::vector<std::string> argument_names(const Node& node) {
  std::vector<std::string> names;
  for (const Argument& argument : node.args) {
    names.push_back(argument.value.substr(0, argument.value.find('=')));
  }
  return names;
}

void check_node(const Node& node, const SourceSpan& span, bool is_malformed,
                const Linter& file_linter) {
  const Linter linter = file_linter.with_comments(node.comments);
  const std::string name = to_lower(node.name);
  if (name == "maintainer") {
    linter.report(rules::kMaintainerDeprecated, span,
                  "Maintainer instruction is deprecated in favor of using label");
  } else if (name == "from") {
    check_from_casing(node, span, linter);
    if (!is_malformed && node.args.size() == 3) {
      check_description(node, "FROM", {to_lower(node.args[2].value)}, span, linter);
    }
  } else if (name == "arg" && !is_malformed) {
    check_description(node, "ARG", argument_names(node), span, linter);
  }
}

// As long as they are in one case throughout: "Run" counts for neither.
struct CaseCount {
  int lower = 0;
  int upper = 0;
  void add(std::string_view name) {
    if (is_lower(name)) {
      ++lower;
    } else if (is_upper(name)) {
      ++upper;
    }
  }
};

template <typename Visit>
void for_each_name(const Dockerfile& dockerfile, const Visit& visit) {
  for (const Stage& stage : dockerfile.stages) {
    visit(stage.info);
    for (const Instruction& instruction : stage.instructions) visit(info_of(instruction));
  }
}

}  // namespace

void check_syntax(const SyntaxTree& tree, const std::string& file, int failing_line,
                  const Linter& linter) {
  for (const ParseWarning& warning : tree.warnings) {
    if (warning.url != rules::kNoEmptyContinuation.url) continue;
    linter.report(rules::kNoEmptyContinuation, warning.span, "Empty continuation line");
  }
  for (const Node& node : tree.instructions) {
    const bool is_malformed = failing_line != 0 && node.first_line >= failing_line;
    check_node(node, {file, node.first_line, node.last_line}, is_malformed, linter);
    if (is_malformed) return;
  }
}

void check_stage_names(const Dockerfile& dockerfile, const Linter& linter) {
  std::set<std::string> names;
  for (const Stage& stage : dockerfile.stages) {
    if (stage.name.empty()) continue;
    if (stage.name == "context" || stage.name == "scratch") {
      linter.report(rules::kReservedStageName, stage.info.span,
                    fmt::format("Stage name should not use the same name as reserved stage \"{}\"",
                                stage.name));
    }
    if (!names.insert(stage.name).second) {
      linter.report(
          rules::kDuplicateStageName, stage.info.span,
          fmt::format("Duplicate stage name \"{}\", stage names should be unique", stage.name));
    }
  }
}

void check_instruction_casing(const Dockerfile& dockerfile, const Linter& linter) {
  CaseCount count;
  for_each_name(dockerfile, [&](const InstructionInfo& info) { count.add(info.name); });
  const bool mostly_lower = count.lower > count.upper;
  for_each_name(dockerfile, [&](const InstructionInfo& info) {
    if (mostly_lower ? is_lower(info.name) : is_upper(info.name)) return;
    linter.report(rules::kConsistentInstructionCasing, info.span,
                  fmt::format("Command '{}' should match the case of the command majority ({})",
                              info.name, mostly_lower ? "lowercase" : "uppercase"));
  });
}

}  // namespace slipway::dockerfile
