// Dockerfile text -> tree -> instructions -> mounts and expansion.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "frontend/dockerfile/expand.h"
#include "frontend/dockerfile/instruction_parser.h"
#include "frontend/dockerfile/parser.h"
#include "frontend/dockerfile/run_mount.h"
#include "frontend/dockerfile/shell_lexer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace slipway::dockerfile;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const SyntaxResult syntax = parse_syntax_with_errors(text, "Dockerfile");
  for (const auto& error : syntax.errors) CHECK(!error.spans().empty());
  for (const Node& node : syntax.tree.instructions) CHECK(node.first_line <= node.last_line);
  dump(syntax.tree);
  auto dockerfile = parse_dockerfile(text, "Dockerfile");
  CHECK(dockerfile.has_value() || !dockerfile.error().spans().empty());
  if (!dockerfile) return 0;
  const Environment environment = {{"A", "a/b"}, {"EMPTY", ""}};
  const WordExpander expander = [&](std::string_view word) {
    return ShellLexer().word(word, environment);
  };
  for (Stage& stage : dockerfile->stages) {
    for (Instruction& instruction : stage.instructions) {
      (void)expand(instruction, expander).has_value();
      (void)expand_heredocs(instruction, expander).has_value();
      if (const auto* run = std::get_if<RunInstruction>(&instruction)) {
        (void)parse_mounts(*run, expander).has_value();
      }
    }
  }
  return 0;
}
