// Dockerfile text -> typed instructions (instruction.h), as BuildKit's frontend reads them.
#pragma once

#include <string_view>

#include "base/result.h"
#include "frontend/dockerfile/instruction.h"
#include "frontend/dockerfile/parser.h"

namespace slipway::dockerfile {

// Reads a whole Dockerfile. `file` is its name, for spans. All mistakes of the instructions are
// reported in one InvalidInput error: one line of message and one span for each.
Result<Dockerfile> parse_dockerfile(std::string_view text, std::string_view file);

// The same from what parse_syntax_with_errors() read.
Result<Dockerfile> parse_dockerfile(const SyntaxResult& syntax, std::string_view file);

// Reads one trigger of a base image's config (OnBuild). Spans point at `span`, the FROM that
// pulled it in. FROM, MAINTAINER and ONBUILD are no triggers.
Result<Instruction> parse_onbuild_trigger(std::string_view text, const SourceSpan& span);

}  // namespace slipway::dockerfile
