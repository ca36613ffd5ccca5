#include "frontend/dockerfile/parser.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/unicode.h"
#include "frontend/dockerfile/directive.h"
#include "frontend/dockerfile/heredoc.h"
#include "frontend/dockerfile/line_parser.h"

namespace slipway::dockerfile {
namespace {

constexpr size_t kMaxLine = 65535;  // bytes without the newline, as BuildKit's scanner has it

std::string_view without_newline(std::string_view line) {
  const size_t last = line.find_last_not_of("\r\n");
  return line.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

bool is_comment(std::string_view line) {
  return trim_unicode_left(line).starts_with('#');
}

// Whether the line goes on: it ends in one escape character (and blanks), not in two. Then both
// are cut off.
bool cut_continuation(std::string_view& line, char escape) {
  const size_t last = line.find_last_not_of(" \t");
  if (last == std::string_view::npos || line[last] != escape) return false;
  if (last > 0 && line[last - 1] == escape) return false;
  line = line.substr(0, last);
  return true;
}

class Parser {
 public:
  Parser(std::string_view text, std::string_view file) : rest_(text), file_(file) {
    if (rest_.starts_with("\xEF\xBB\xBF")) rest_.remove_prefix(3);
  }

  SyntaxResult run() {
    while (!stopped_) {
      const auto line = next_line();
      if (!line) break;
      take_line(*line);
    }
    if (result_.tree.instructions.empty() && result_.errors.empty()) {
      add_error(Error(ErrorCode::InvalidInput, "file with no instructions"), line_number_);
    }
    return std::move(result_);
  }

 private:
  // The next line with its newline; nothing at the end of the text.
  std::optional<std::string_view> next_line() {
    if (rest_.empty() || stopped_) return std::nullopt;
    const size_t newline = rest_.find('\n');
    const size_t length = newline == std::string_view::npos ? rest_.size() : newline;
    if (length > kMaxLine) {
      add_error(make_error(ErrorCode::InvalidInput,
                           "dockerfile line greater than max allowed size of {}", kMaxLine),
                line_number_ + 1);
      stopped_ = true;
      return std::nullopt;
    }
    const std::string_view line = rest_.substr(0, std::min(length + 1, rest_.size()));
    rest_.remove_prefix(line.size());
    ++line_number_;
    return line;
  }

  void take_line(std::string_view raw) {
    std::string_view line = trim_unicode_left(without_newline(raw));
    if (is_comment(raw)) take_comment(raw);
    if (take_directive(line) || line.starts_with('#')) return;
    const int first_line = line_number_;
    bool goes_on = cut_continuation(line, result_.tree.escape);
    if (!goes_on && line.empty()) return;
    std::string joined(line);
    if (goes_on) join_continuations(joined);
    take_instruction(std::move(joined), first_line);
    comments_.clear();
  }

  // Remembers a comment for the instruction below it; an empty one separates.
  void take_comment(std::string_view raw) {
    std::string comment(trim_unicode(raw.substr(1)));
    if (comment.empty()) {
      comments_.clear();
    } else {
      comments_.push_back(std::move(comment));
    }
  }

  bool take_directive(std::string_view line) {
    auto directive = directives_.read(line, line_number_);
    if (!directive) {
      add_error(std::move(directive).error(), line_number_);
      return true;
    }
    if (!*directive) return false;
    if (!comments_.empty()) comments_.pop_back();
    Directive found = **std::move(directive);
    found.span.file = file_;
    if (found.name == "escape" && found.value != "`" && found.value != "\\") {
      add_error(make_error(ErrorCode::InvalidInput,
                           "invalid escape token '{}' does not match ` or \\", found.value),
                line_number_);
      stopped_ = true;  // nothing below can be read without it
    } else if (found.name == "escape") {
      result_.tree.escape = found.value[0];
    }
    result_.tree.directives.push_back(std::move(found));
    return true;
  }

  void join_continuations(std::string& joined) {
    bool has_empty_line = false;
    for (bool goes_on = true; goes_on;) {
      const auto raw = next_line();
      if (!raw) break;
      std::string_view line = without_newline(*raw);
      if (is_comment(line)) continue;
      if (trim_unicode_left(line).empty()) {
        has_empty_line = true;
        continue;
      }
      goes_on = cut_continuation(line, result_.tree.escape);
      joined += line;
    }
    if (!has_empty_line) return;
    result_.tree.warnings.push_back(
        {"Empty continuation line found in: " + joined,
         "Empty continuation lines will become errors in a future release",
         "https://docs.docker.com/go/dockerfile/rule/no-empty-continuation/",
         {file_, line_number_, line_number_}});
  }

  void take_instruction(std::string line, int first_line) {
    Result<Node> node = parse_line(line, result_.tree.escape);
    if (!node) {
      add_error(std::move(node).error(), first_line);
      // Without the instruction nobody knows whether the next lines are a heredoc's.
      if (line.contains("<<")) stopped_ = true;
      return;
    }
    node->comments = std::move(comments_);
    if (line.contains("<<") && takes_heredocs(*node)) {
      const Status read = read_heredocs(line, *node);
      if (!read) {
        add_error(Error(read.error()), first_line);
        stopped_ = true;
        return;
      }
    }
    node->first_line = first_line;
    node->last_line = line_number_;
    result_.tree.instructions.push_back(*std::move(node));
  }

  Status read_heredocs(std::string_view line, Node& node) {
    for (Heredoc& heredoc : TRY(heredocs_of_line(line))) {
      bool terminated = false;
      while (const auto raw = next_line()) {
        std::string_view terminator = without_newline(*raw);
        if (heredoc.chomp) {
          terminator.remove_prefix(std::min(terminator.find_first_not_of('\t'), terminator.size()));
        }
        terminated = terminator == heredoc.name;
        if (terminated) break;
        heredoc.content += *raw;
      }
      if (!terminated) return Error(ErrorCode::InvalidInput, "unterminated heredoc");
      node.heredocs.push_back(std::move(heredoc));
    }
    return {};
  }

  void add_error(Error error, int first_line) {
    SourceSpan span{file_, first_line, std::max(first_line, line_number_)};
    result_.errors.push_back(Error(error.code(), error.message()).at(std::move(span)));
  }

  std::string_view rest_;
  std::string file_;
  int line_number_ = 0;  // of the line read last
  bool stopped_ = false;
  DirectiveReader directives_;
  std::vector<std::string> comments_;
  SyntaxResult result_;
};

}  // namespace

SyntaxResult parse_syntax_with_errors(std::string_view text, std::string_view file) {
  return Parser(text, file).run();
}

Result<SyntaxTree> parse_syntax(std::string_view text, std::string_view file) {
  SyntaxResult result = parse_syntax_with_errors(text, file);
  if (!result.errors.empty()) return combine_errors(std::move(result.errors));
  return std::move(result.tree);
}

Error combine_errors(std::vector<Error> errors) {
  std::stable_sort(errors.begin(), errors.end(), [](const Error& a, const Error& b) {
    return a.spans().front().first_line < b.spans().front().first_line;
  });
  std::string message;
  for (const Error& error : errors) {
    if (!message.empty()) message += '\n';
    message += fmt::format("dockerfile parse error on line {}: {}",
                           error.spans().front().first_line, error.message());
  }
  Error combined(errors.front().code(), std::move(message));
  for (const Error& error : errors) {
    for (const SourceSpan& span : error.spans()) combined = std::move(combined).at(span);
  }
  return combined;
}

}  // namespace slipway::dockerfile
