// RunText: where the parts of one RUN are in the Dockerfile's bytes, for edits. What it answers is
// a guess by the look of the text; the caller reads the result again before it believes it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/dockerfile/fix/proposal.h"

namespace slipway::dockerfile {

class RunText {
 public:
  RunText(const Document& document, const RunInstruction& run);

  size_t begin() const { return begin_; }
  size_t end() const { return end_; }  // after the last line
  // Ends lines as the file does.
  const std::string& newline() const { return newline_; }

  // "--mount=..." before the flags that are there.
  TextEdit with_flags(const std::vector<std::string>& flags) const;
  std::optional<TextEdit> with_first_command(std::string_view command) const;
  // Without a command that "&&" joins to others, or that has a line of a heredoc.
  std::optional<TextEdit> without_command(const std::vector<std::string>& words) const;
  // Each unquoted `word`; without it and a blank before it where `replacement` is empty.
  std::vector<TextEdit> with_word(std::string_view word, std::string_view replacement) const;
  // After the last word of `words` where a command begins with them: " extra".
  std::optional<TextEdit> with_words_after(const std::vector<std::string>& words,
                                           std::string_view extra) const;
  // Before a command that begins with `words`, and what is set for it: "command && ".
  std::optional<TextEdit> with_command_before(const std::vector<std::string>& words,
                                              std::string_view command) const;
  // In two at the start of a command that "&&" joins to those before it: where the first part
  // ends, and where the second begins. The first command is at both.
  struct Cut {
    size_t first_end;
    size_t second_begin;
  };
  std::optional<Cut> cut_before(const std::vector<std::string>& words) const;
  // From the instruction's name to its command.
  std::string_view head() const { return text_.substr(name_begin_, command_ - name_begin_); }
  std::string_view from(size_t offset) const { return text_.substr(offset, end_ - offset); }

 private:
  struct Place {
    size_t gap;    // after what is before the separator; the command's begin where there is none
    size_t begin;  // variables set for it included
    size_t words;  // its first word
    size_t end;    // after its last word
    bool by_and;   // the separator is "&&"
  };
  std::optional<Place> find(const std::vector<std::string>& words, bool whole) const;
  std::optional<size_t> match(size_t at, const std::vector<std::string>& words) const;
  size_t skip_blanks(size_t at) const;
  size_t skip_assignments(size_t at) const;
  size_t gap_before(size_t at) const;
  bool is_continuation(size_t at) const;
  bool ends_word(size_t at) const;
  bool ends_command(size_t at) const;
  size_t find_command() const;

  std::string_view text_;
  char escape_;
  size_t begin_;
  size_t end_;
  size_t name_begin_;
  size_t name_end_;
  size_t command_;
  bool shell_form_;
  std::optional<size_t> heredoc_;  // where the body of the only heredoc begins
  std::string newline_;
};

}  // namespace slipway::dockerfile
