#include "frontend/dockerfile/fix/run_text.h"

#include <algorithm>

#include "base/text.h"

namespace slipway::dockerfile {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

}  // namespace

RunText::RunText(const Document& document, const RunInstruction& run)
    : text_(document.text),
      escape_(document.dockerfile.escape),
      begin_(document.begin_of(run.info.span)),
      end_(document.end_of(run.info.span)),
      name_begin_(std::min(text_.find(run.info.name, begin_), end_)),
      name_end_(std::min(name_begin_ + run.info.name.size(), end_)),
      shell_form_(run.command.prepend_shell) {
  const size_t line_end = std::min(text_.find('\n', begin_), end_ - 1);
  newline_ = line_end > begin_ && text_[line_end - 1] == '\r' ? "\r\n" : "\n";
  command_ = find_command();
  const size_t body = std::min(text_.find('\n', command_), end_ - 1) + 1;
  const bool starts_here = text_.substr(command_, end_ - command_).starts_with("<<");
  if (run.command.files.size() == 1 && starts_here) heredoc_ = body;
}

bool RunText::is_continuation(size_t at) const {
  if (at >= end_ || text_[at] != escape_) return false;
  const size_t next = text_.find_first_not_of(" \t\r", at + 1);
  return next != std::string_view::npos && next < end_ && text_[next] == '\n';
}

size_t RunText::skip_blanks(size_t at) const {
  for (;;) {
    if (at < end_ && is_blank(text_[at])) {
      ++at;
    } else if (is_continuation(at)) {
      at = text_.find('\n', at) + 1;
      // Comments and empty lines between continued lines are left out.
      for (;;) {
        const size_t first = text_.find_first_not_of(" \t\r", at);
        if (first >= end_ || (text_[first] != '#' && text_[first] != '\n')) break;
        at = std::min(text_.find('\n', first), end_ - 1) + 1;
      }
    } else {
      return at;
    }
  }
}

size_t RunText::find_command() const {
  size_t at = skip_blanks(name_end_);
  while (text_.substr(at, 2) == "--" && at < end_) {
    while (at < end_ && !is_blank(text_[at]) && text_[at] != '\n' && !is_continuation(at)) ++at;
    at = skip_blanks(at);
  }
  return at;
}

TextEdit RunText::with_flags(const std::vector<std::string>& flags) const {
  std::string text;
  const std::string next_line = std::string(" ") + escape_ + newline_ + "    ";
  for (const std::string& flag : flags) text += (text.empty() ? " " : next_line) + flag;
  const size_t after = text_.find_first_not_of(" \t", name_end_);
  const bool goes_on = after < end_ && is_continuation(after);
  // The blank before what follows is there already.
  if (!goes_on && !heredoc_) text += next_line.substr(0, next_line.size() - 1);
  return {name_end_, name_end_, std::move(text)};
}

std::optional<TextEdit> RunText::with_first_command(std::string_view command) const {
  if (!shell_form_) return std::nullopt;
  if (heredoc_) {
    size_t at = *heredoc_;
    if (text_.substr(at, 2) == "#!") at = std::min(text_.find('\n', at), end_ - 1) + 1;
    return TextEdit{at, at, std::string(command) + newline_};
  }
  if (text_.substr(command_).starts_with("<<")) return std::nullopt;
  // On a line of its own where the command's lines are.
  const std::string_view rest = text_.substr(command_, end_ - command_);
  const bool many_lines = rest.substr(0, rest.find_last_not_of("\r\n") + 1).contains('\n');
  const size_t line = text_.rfind('\n', command_) + 1;
  const bool leads_line = line > name_end_;
  if (!many_lines && !leads_line)
    return TextEdit{command_, command_, std::string(command) + " && "};
  std::string indent = leads_line ? std::string(text_.substr(line, command_ - line)) : "    ";
  if (indent.find_first_not_of(" \t") != std::string::npos) indent = "    ";
  indent.resize(indent.size() < 4 ? 0 : indent.size() - 3);
  return TextEdit{command_, command_,
                  std::string(command) + " " + escape_ + newline_ + indent + "&& "};
}

size_t RunText::skip_assignments(size_t at) const {
  for (;;) {
    size_t end = at;
    while (end < end_ && is_name_character(text_[end])) ++end;
    if (end == at || end >= end_ || text_[end] != '=') return at;
    char quote = 0;
    while (end < end_ && (quote != 0 || !ends_word(end))) {
      const char c = text_[end++];
      if (quote == c) {
        quote = 0;
      } else if (quote == 0 && (c == '"' || c == '\'')) {
        quote = c;
      }
    }
    at = skip_blanks(end);
  }
}

bool RunText::ends_word(size_t at) const {
  return at >= end_ || std::string_view(" \t\r\n;&|)").contains(text_[at]) || is_continuation(at);
}

bool RunText::ends_command(size_t at) const {
  at = skip_blanks(at);
  return at >= end_ || std::string_view("\r\n;").contains(text_[at]) || text_.substr(at, 2) == "&&";
}

std::optional<size_t> RunText::match(size_t at, const std::vector<std::string>& words) const {
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) at = skip_blanks(at);
    if (words[i].empty() || text_.substr(at, words[i].size()) != words[i]) return std::nullopt;
    at += words[i].size();
    if (!ends_word(at)) return std::nullopt;
  }
  return at;
}

size_t RunText::gap_before(size_t at) const {
  while (at > command_) {
    const char c = text_[at - 1];
    if (!is_blank(c) && c != '\n' && c != '\r' && !is_continuation(at - 1)) break;
    --at;
  }
  return at;
}

std::optional<RunText::Place> RunText::find(const std::vector<std::string>& words,
                                            bool whole) const {
  if (!shell_form_ || words.empty()) return std::nullopt;
  const auto place_at = [&](size_t separator, size_t after, bool by_and) -> std::optional<Place> {
    const size_t begin = skip_blanks(after);
    const size_t first = skip_assignments(begin);
    const auto end = match(first, words);
    if (!end || (whole && !ends_command(*end))) return std::nullopt;
    return Place{gap_before(separator), begin, first, *end, by_and};
  };
  if (!heredoc_) {
    if (const auto found = place_at(command_, command_, false)) return found;
  }
  for (size_t at = heredoc_.value_or(command_); at < end_; ++at) {
    std::optional<Place> found;
    if (heredoc_ && (at == *heredoc_ || text_[at - 1] == '\n')) {
      found = place_at(at, at, false);
    } else if (text_.substr(at, 2) == "&&") {
      found = place_at(at, at + 2, true);
    }
    if (found) return found;
  }
  return std::nullopt;
}

std::optional<TextEdit> RunText::without_command(const std::vector<std::string>& words) const {
  const auto place = find(words, /*whole=*/true);
  if (!place) return std::nullopt;
  if (place->by_and) return TextEdit{place->gap, place->end, ""};
  if (heredoc_) {
    const size_t line_end = std::min(text_.find('\n', place->end), end_ - 1);
    if (text_.substr(place->end, line_end - place->end).find_first_not_of(" \t\r") !=
        std::string_view::npos) {
      return std::nullopt;
    }
    return TextEdit{text_.rfind('\n', place->begin) + 1, line_end + 1, ""};
  }
  const size_t separator = skip_blanks(place->end);
  if (text_.substr(separator, 2) != "&&") return std::nullopt;  // the only one
  return TextEdit{place->begin, skip_blanks(separator + 2), ""};
}

std::vector<TextEdit> RunText::with_word(std::string_view word,
                                         std::string_view replacement) const {
  std::vector<TextEdit> edits;
  for (size_t at = text_.find(word, command_); at != std::string_view::npos && at < end_;
       at = text_.find(word, at + 1)) {
    const size_t end = at + word.size();
    if (!ends_word(end) || !(is_blank(text_[at - 1]) || text_[at - 1] == '\n')) continue;
    if (!replacement.empty()) {
      edits.push_back({at, end, std::string(replacement)});
      continue;
    }
    const size_t line = text_.rfind('\n', at) + 1;
    const size_t first = text_.find_first_not_of(" \t", line);
    const size_t next = text_.find_first_not_of(" \t", end);
    if (first == at && next < end_ && is_continuation(next)) {
      edits.push_back({line, text_.find('\n', next) + 1, ""});  // it has a line to itself
    } else {
      size_t begin = at;
      while (begin > line && is_blank(text_[begin - 1])) --begin;
      edits.push_back({begin, end, ""});
    }
  }
  return edits;
}

std::optional<TextEdit> RunText::with_words_after(const std::vector<std::string>& words,
                                                  std::string_view extra) const {
  const auto place = find(words, /*whole=*/false);
  if (!place) return std::nullopt;
  return TextEdit{place->end, place->end, " " + std::string(extra)};
}

std::optional<TextEdit> RunText::with_command_before(const std::vector<std::string>& words,
                                                     std::string_view command) const {
  const auto place = find(words, /*whole=*/false);
  if (!place) return std::nullopt;
  return TextEdit{place->begin, place->begin, std::string(command) + " && "};
}

std::optional<RunText::Cut> RunText::cut_before(const std::vector<std::string>& words) const {
  const auto place = find(words, /*whole=*/false);
  if (!place || heredoc_) return std::nullopt;
  if (place->begin != command_ && !place->by_and) return std::nullopt;
  return Cut{place->gap, place->begin};
}

}  // namespace slipway::dockerfile
