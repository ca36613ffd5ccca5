// HCL's native syntax as tokens. Templates are modes of the lexer: inside quotes and heredocs it
// yields literal pieces, and inside "${...}" and "%{...}" expression tokens again.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "frontend/hcl/source.h"

namespace slipway::hcl {

struct Token {
  enum class Type {
    Identifier,
    Number,
    Comment,
    Newline,
    OpenBrace,
    CloseBrace,
    OpenBracket,
    CloseBracket,
    OpenParen,
    CloseParen,
    OpenQuote,
    CloseQuote,
    OpenHeredoc,
    CloseHeredoc,
    QuotedText,     // of a quoted template, escapes as written
    PlainText,      // of a heredoc or a bare template
    Interpolation,  // "${" or "${~"
    Control,        // "%{" or "%{~"
    TemplateEnd,    // the "}" or "~}" of those
    Equals,
    EqualTo,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
    Not,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    Question,
    Colon,
    DoubleColon,
    Comma,
    Dot,
    Ellipsis,
    FatArrow,
    EndOfFile,
  };

  Type type = Type::EndOfFile;
  std::string_view text;  // of the source
  Range range;
};

// The tokens of a file or an expression; the last one is EndOfFile. Characters and operators that
// HCL does not have are errors. `source` must outlive the tokens.
Result<std::vector<Token>> lex(std::string_view source, std::shared_ptr<const std::string> file,
                               Position start = {});

// The same for a text that is a template as a whole.
Result<std::vector<Token>> lex_template(std::string_view source,
                                        std::shared_ptr<const std::string> file, Position start);

bool is_identifier(std::string_view text);

}  // namespace slipway::hcl
