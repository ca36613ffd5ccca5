#include "frontend/dockerfile/instruction_parser.h"

#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "base/unicode.h"
#include "frontend/dockerfile/flag_set.h"
#include "frontend/dockerfile/instruction_reader.h"
#include "frontend/dockerfile/parser.h"

namespace slipway::dockerfile {
namespace {

bool is_stage_name(std::string_view name) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz";
  return !name.empty() && kLetters.contains(name[0]) &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.") == std::string::npos;
}

Result<Stage> parse_from(Request request) {
  const std::vector<std::string>& args = request.args;
  Stage stage;
  if (args.size() == 3 && to_lower(args[1]) == "as") {
    stage.name = to_lower(args[2]);
    if (!is_stage_name(stage.name)) {
      return invalid_input(
          "invalid name for build stage: {}, name can't start with a number or contain symbols",
          go_quote(args[2]));
    }
  } else if (args.size() != 1) {
    return invalid_input("FROM requires either one or three arguments");
  }
  const FlagSet flags = TRY(FlagSet::parse(request.node.flags, {{"platform", FlagKind::Text}}));
  stage.base_name = args[0];
  stage.platform = flags.text("platform");
  stage.doc_comment = doc_comment(request.info.comments, stage.name);
  stage.info = std::move(request.info);
  return stage;
}

// Puts the instructions into stages, collecting what is wrong on the way.
class StageBuilder {
 public:
  StageBuilder(std::string_view file, std::vector<Error> errors)
      : file_(file), errors_(std::move(errors)) {}

  void take(const Node& node) {
    if (to_lower(node.name) == "from") {
      Result<Stage> stage = parse_from(request_of(node, file_));
      if (!stage) add_error(std::move(stage).error(), node);
      // A broken FROM still begins a stage: what follows is not to be blamed for it.
      stages_.push_back(stage ? *std::move(stage) : Stage{});
      return;
    }
    Result<Instruction> instruction = read_instruction(node, file_);
    if (!instruction) {
      add_error(std::move(instruction).error(), node);
    } else if (!stages_.empty()) {
      stages_.back().instructions.push_back(*std::move(instruction));
    } else if (auto* arg = std::get_if<ArgInstruction>(&*instruction)) {
      meta_args_.push_back(std::move(*arg));
    } else if (!std::exchange(missing_from_, true)) {
      add_error(Error(ErrorCode::InvalidInput, "no build stage in current context"), node);
    }
  }

  Result<Dockerfile> finish(const SyntaxTree& tree) {
    if (!errors_.empty()) return combine_errors(std::move(errors_));
    return Dockerfile{tree.directives, tree.escape, std::move(meta_args_), std::move(stages_)};
  }

 private:
  void add_error(Error error, const Node& node) {
    errors_.push_back(std::move(error).at({std::string(file_), node.first_line, node.last_line}));
  }

  std::string_view file_;
  std::vector<Error> errors_;
  std::vector<ArgInstruction> meta_args_;
  std::vector<Stage> stages_;
  bool missing_from_ = false;
};

}  // namespace

Result<Dockerfile> parse_dockerfile(std::string_view text, std::string_view file) {
  return parse_dockerfile(parse_syntax_with_errors(text, file), file);
}

Result<Dockerfile> parse_dockerfile(const SyntaxResult& syntax, std::string_view file) {
  StageBuilder builder(file, syntax.errors);
  for (const Node& node : syntax.tree.instructions) builder.take(node);
  return builder.finish(syntax.tree);
}

Result<Instruction> parse_onbuild_trigger(std::string_view text, const SourceSpan& span) {
  const SyntaxTree tree = TRY(parse_syntax(text, span.file));
  if (tree.instructions.size() != 1) {
    return invalid_input("onbuild trigger should be a single expression: {}", text).at(span);
  }
  Node node = tree.instructions[0];
  node.first_line = span.first_line;
  node.last_line = span.last_line;
  const std::string name = to_upper(node.name);
  if (name == "ONBUILD") {
    return invalid_input("chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed").at(span);
  }
  if (name == "MAINTAINER" || name == "FROM") {
    return invalid_input("{} isn't allowed as an ONBUILD trigger", name).at(span);
  }
  Result<Instruction> instruction = read_instruction(node, span.file);
  if (!instruction) return std::move(instruction).error().at(span);
  return instruction;
}

}  // namespace slipway::dockerfile
