#include "frontend/dockerfile/heredoc.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "frontend/dockerfile/shell_lexer.h"

namespace slipway::dockerfile {
namespace {

ptrdiff_t quote_count(std::string_view word) {
  return std::count_if(word.begin(), word.end(), [](char c) { return c == '\'' || c == '"'; });
}

}  // namespace

// [descriptor]<<[-][space]word, where the word holds no "<".
Result<std::optional<Heredoc>> parse_heredoc_word(std::string_view word) {
  const size_t digits = std::min(word.find_first_not_of("0123456789"), word.size());
  Heredoc heredoc;
  const auto number = std::from_chars(word.data(), word.data() + digits, heredoc.file_descriptor);
  if (number.ec == std::errc::result_out_of_range) {
    heredoc.file_descriptor = std::numeric_limits<unsigned>::max();
  }
  word.remove_prefix(digits);
  if (!word.starts_with("<<")) return std::optional<Heredoc>();
  word.remove_prefix(2);
  if (word.starts_with('-')) {
    heredoc.chomp = true;
    word.remove_prefix(1);
  }
  word.remove_prefix(std::min(word.find_first_not_of(" \t\n\f\r"), word.size()));
  if (word.empty() || word.contains('<')) return std::optional<Heredoc>();

  const Environment no_values;
  auto names = TRY(ShellLexer({.skip_unset = true}).words(word, no_values));
  if (names.size() != 1) return std::optional<Heredoc>();
  const auto raw = TRY(ShellLexer({.raw_quotes = true, .skip_unset = true}).words(word, no_values));
  if (raw.size() != 1) {
    return make_error(ErrorCode::InvalidInput,
                      "internal lexing of heredoc produced inconsistent results: {}", word);
  }
  // Quotes that went away quoted the word, or a part of it: the content is literal then.
  heredoc.expand = quote_count(names[0]) == quote_count(raw[0]);
  heredoc.name = std::move(names[0]);
  return std::optional(std::move(heredoc));
}

Result<std::vector<Heredoc>> heredocs_of_line(std::string_view line) {
  const ShellLexer lexer({.raw_quotes = true, .raw_escapes = true, .skip_unset = true});
  std::vector<Heredoc> heredocs;
  const auto words = lexer.words(line, {});
  if (!words) return heredocs;  // what is no shell text holds no heredoc
  for (const std::string& word : *words) {
    if (auto heredoc = TRY(parse_heredoc_word(word))) heredocs.push_back(*std::move(heredoc));
  }
  return heredocs;
}

std::string chomp_heredoc(std::string_view content) {
  std::string chomped;
  bool line_start = true;
  for (const char c : content) {
    if (line_start && c == '\t') continue;
    chomped += c;
    line_start = c == '\n';
  }
  return chomped;
}

}  // namespace slipway::dockerfile
