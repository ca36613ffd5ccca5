// Heredoc words ("<<EOF", "<<-'EOF'") and their contents.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "frontend/dockerfile/syntax_tree.h"

namespace slipway::dockerfile {

// The heredoc that a word starts, if it is one; its content is empty.
Result<std::optional<Heredoc>> parse_heredoc_word(std::string_view word);
// All heredocs that an instruction's line starts.
Result<std::vector<Heredoc>> heredocs_of_line(std::string_view line);
// Without the tabs at the start of each line.
std::string chomp_heredoc(std::string_view content);

}  // namespace slipway::dockerfile
