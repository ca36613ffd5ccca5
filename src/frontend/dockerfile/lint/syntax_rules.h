// Rules that look at the text's syntax tree alone, and at the stages made of it.
#pragma once

#include "frontend/dockerfile/instruction.h"
#include "frontend/dockerfile/lint/linter.h"
#include "frontend/dockerfile/syntax_tree.h"

namespace slipway::dockerfile {

// Instruction by instruction. Where one of them is malformed, those above it count only:
// `failing_line` is its first line, 0 where there is none.
void check_syntax(const SyntaxTree& tree, const std::string& file, int failing_line,
                  const Linter& linter);

// Names that are reserved or given twice.
void check_stage_names(const Dockerfile& dockerfile, const Linter& linter);

// "RUN" and "run" in one file.
void check_instruction_casing(const Dockerfile& dockerfile, const Linter& linter);

}  // namespace slipway::dockerfile
