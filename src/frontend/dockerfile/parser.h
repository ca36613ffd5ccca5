// Dockerfile text -> syntax tree.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "frontend/dockerfile/syntax_tree.h"

namespace slipway::dockerfile {

// A tree and what is wrong with the rest; the instructions with mistakes are left out.
struct SyntaxResult {
  SyntaxTree tree;
  std::vector<Error> errors;  // each with one span
};

// `file` is the name for spans. Never fails: reads on after a mistake where that makes sense.
SyntaxResult parse_syntax_with_errors(std::string_view text, std::string_view file);

// The tree, or all mistakes in one InvalidInput error.
Result<SyntaxTree> parse_syntax(std::string_view text, std::string_view file);

// One error of several: their messages line by line ("dockerfile parse error on line 3: ..."),
// all their spans.
Error combine_errors(std::vector<Error> errors);

}  // namespace slipway::dockerfile
