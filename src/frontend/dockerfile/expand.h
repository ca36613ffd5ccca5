// Variable expansion of typed instructions: which fields of which instruction, and how.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "frontend/dockerfile/instruction.h"

namespace slipway::dockerfile {

// Expands one word; usually ShellLexer::word with the values known so far.
using WordExpander = std::function<Result<std::string>(std::string_view)>;

// Expands every field that supports variables, in place. Leaves heredoc contents, RUN (see
// run_mount.h), CMD, ENTRYPOINT, EXPOSE, HEALTHCHECK, MAINTAINER, ONBUILD and SHELL as they are.
Status expand(Instruction& instruction, const WordExpander& expander);

// Expands the unquoted heredocs of COPY and ADD, in place. The expander has to keep quotes
// (ShellLexer::Options::keep_quotes).
Status expand_heredocs(Instruction& instruction, const WordExpander& expander);

}  // namespace slipway::dockerfile
