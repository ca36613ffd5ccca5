// Templates: first a flat list of pieces, on which "~" and "<<-" trim white space, then a tree of
// the directives among them.
#include <algorithm>
#include <limits>
#include <optional>
#include <utility>
#include <variant>

#include "base/text.h"
#include "base/unicode.h"
#include "base/values.h"
#include "frontend/hcl/expression_parser.h"
#include "frontend/hcl/parser.h"

namespace slipway::hcl {
namespace {

using TokenType = Token::Type;

struct TextPiece {
  std::string text;
};
struct ValuePiece {
  ExpressionPtr expression;
};
struct IfPiece {
  ExpressionPtr condition;
};
struct ForPiece {
  ForLoop loop;
};
enum class Closing { Else, EndIf, EndFor };
struct ClosingPiece {
  Closing closing = Closing::Else;
};

struct Piece {
  std::variant<TextPiece, ValuePiece, IfPiece, ForPiece, ClosingPiece> content;
  Range range;
};

std::string trim_right(std::string text) {
  while (!text.empty()) {
    size_t last = text.size() - 1;
    while (last > 0 && (static_cast<unsigned char>(text[last]) & 0xC0) == 0x80) --last;
    if (!is_unicode_space(decode_character(std::string_view(text).substr(last)).code_point)) break;
    text.resize(last);
  }
  return text;
}

std::string_view name_of(Closing closing) {
  switch (closing) {
    case Closing::Else:
      return "else";
    case Closing::EndIf:
      return "endif";
    case Closing::EndFor:
      return "endfor";
  }
  return "";
}

// Removes the white space that every line begins with; a line of spaces alone does not count, and
// neither does white space that a value brings along.
void flush_lines(std::vector<Piece>& pieces) {
  size_t least = std::numeric_limits<size_t>::max();
  bool line_start = true;
  std::vector<TextPiece*> starts;
  for (Piece& piece : pieces) {
    auto* text = std::get_if<TextPiece>(&piece.content);
    if (std::exchange(line_start, false)) {
      size_t spaces = 0;
      if (text != nullptr) {
        const std::string_view trimmed = trim_unicode_left(text->text);
        const bool blank = trimmed.empty() && text->text.ends_with('\n');
        spaces =
            blank ? std::numeric_limits<size_t>::max()
                  : grapheme_count(
                        std::string_view(text->text).substr(0, text->text.size() - trimmed.size()));
        if (!blank) starts.push_back(text);
      }
      least = std::min(least, spaces);
    }
    if (text != nullptr && text->text.ends_with('\n')) line_start = true;
  }
  for (TextPiece* text : starts) {
    for (size_t i = 0; i < least && !text->text.empty(); ++i) {
      text->text.erase(0, grapheme_size(text->text));
    }
  }
}

// Texts that follow one another become one.
void join_texts(std::vector<Piece>& pieces) {
  std::vector<Piece> joined;
  for (Piece& piece : pieces) {
    auto* text = std::get_if<TextPiece>(&piece.content);
    auto* before = joined.empty() ? nullptr : std::get_if<TextPiece>(&joined.back().content);
    if (text != nullptr && before != nullptr) {
      before->text += text->text;
      joined.back().range = range_between(joined.back().range, piece.range);
    } else {
      joined.push_back(std::move(piece));
    }
  }
  pieces = std::move(joined);
}

ExpressionPtr text_expression(std::string_view text, const Range& range) {
  return make_expression(Literal{Value::string(text)}, range);
}

ExpressionPtr template_of(std::vector<ExpressionPtr> parts, const Range& where) {
  if (parts.empty()) parts.push_back(text_expression("", where));
  const Range range = range_between(parts.front()->range, parts.back()->range);
  return make_expression(Template{std::move(parts)}, range);
}

// The tree of the pieces.
class TreeBuilder {
 public:
  TreeBuilder(std::vector<Piece> pieces, Range end) : pieces_(std::move(pieces)), end_(end) {}

  Result<std::vector<ExpressionPtr>> run() {
    std::vector<ExpressionPtr> parts;
    while (next_ < pieces_.size()) {
      ExpressionPtr part = TRY(one(0));
      parts.push_back(std::move(part));
    }
    return parts;
  }

 private:
  Result<ExpressionPtr> one(int depth) {
    Piece piece = std::move(pieces_[next_++]);
    if (depth == kDeepest) {
      return error_at(piece.range, "directives are nested more than {} levels deep", kDeepest);
    }
    if (auto* text = std::get_if<TextPiece>(&piece.content)) {
      return text_expression(text->text, piece.range);
    }
    if (auto* value = std::get_if<ValuePiece>(&piece.content)) return std::move(value->expression);
    if (auto* condition = std::get_if<IfPiece>(&piece.content)) {
      return if_directive(std::move(condition->condition), piece.range, depth);
    }
    if (auto* loop = std::get_if<ForPiece>(&piece.content)) {
      return for_directive(std::move(loop->loop), piece.range, depth);
    }
    return error_at(piece.range, "%{{{}}} ends nothing here",
                    name_of(std::get<ClosingPiece>(piece.content).closing));
  }

  // The parts up to a closing piece, which is returned.
  Result<Piece> parts_until_closing(std::vector<ExpressionPtr>& parts, const Range& open,
                                    std::string_view directive, int depth) {
    while (next_ < pieces_.size()) {
      if (std::holds_alternative<ClosingPiece>(pieces_[next_].content)) {
        return std::move(pieces_[next_++]);
      }
      ExpressionPtr part = TRY(one(depth + 1));
      parts.push_back(std::move(part));
    }
    return error_at(end_, "the template ends before %{{end{}}} for the %{{{}}} at {}", directive,
                    directive, open.to_string());
  }

  Result<ExpressionPtr> if_directive(ExpressionPtr condition, const Range& open, int depth) {
    std::vector<ExpressionPtr> then_parts;
    std::vector<ExpressionPtr> else_parts;
    Piece closing = TRY(parts_until_closing(then_parts, open, "if", depth));
    if (std::get<ClosingPiece>(closing.content).closing == Closing::Else) {
      closing = TRY(parts_until_closing(else_parts, open, "if", depth));
    }
    const Closing last = std::get<ClosingPiece>(closing.content).closing;
    if (last != Closing::EndIf) {
      return error_at(closing.range, "%{{endif}} is expected here, for the %{{if}} at {}",
                      open.to_string());
    }
    Conditional node;
    node.condition = std::move(condition);
    node.if_true = template_of(std::move(then_parts), open);
    node.if_false = template_of(std::move(else_parts), closing.range);
    return make_expression(std::move(node), range_between(open, closing.range));
  }

  Result<ExpressionPtr> for_directive(ForLoop loop, const Range& open, int depth) {
    std::vector<ExpressionPtr> parts;
    const Piece closing = TRY(parts_until_closing(parts, open, "for", depth));
    if (std::get<ClosingPiece>(closing.content).closing != Closing::EndFor) {
      return error_at(closing.range, "%{{endfor}} is expected here, for the %{{for}} at {}",
                      open.to_string());
    }
    loop.value = template_of(std::move(parts), open);
    const Range range = range_between(open, closing.range);
    TemplateJoin join;
    join.tuple = make_expression(std::move(loop), range);
    return make_expression(std::move(join), range);
  }

  std::vector<Piece> pieces_;
  Range end_;
  size_t next_ = 0;
};

// "\n", "\t", "\"", "\\", "\u00e9"..., at `index` (of the backslash), which moves behind it.
Status unescape(const Token& token, size_t& index, std::string& result) {
  const std::string_view rest = token.text.substr(index);
  const auto invalid = [&](std::string_view message) { return error_at(token.range, message); };
  if (rest.size() < 2) return invalid("a backslash must be followed by a character");
  constexpr std::string_view kNames = "nrt\"\\";
  constexpr std::string_view kMeanings = "\n\r\t\"\\";
  if (const size_t simple = kNames.find(rest[1]); simple != std::string_view::npos) {
    result += kMeanings[simple];
    index += 2;
    return {};
  }
  if (rest[1] != 'u' && rest[1] != 'U') {
    const size_t size = decode_character(rest.substr(1)).width;
    return error_at(token.range, "\\{} is not an escape sequence (write \\\\ for a backslash)",
                    rest.substr(1, size));
  }
  const size_t digits = rest[1] == 'u' ? 4 : 8;
  const std::string_view hex = rest.substr(2, digits);
  if (hex.size() < digits ||
      hex.find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos) {
    return error_at(token.range, "\\{} must be followed by {} hexadecimal digits", rest[1], digits);
  }
  const unsigned long code_point = std::stoul(std::string(hex), nullptr, 16);
  if (code_point > 0x10FFFF || (code_point >= 0xD800 && code_point <= 0xDFFF)) {
    return error_at(token.range, "U+{} is not a character", hex);
  }
  append_utf8(result, static_cast<char32_t>(code_point));
  index += 2 + digits;
  return {};
}

}  // namespace

Result<std::string> literal_text(const Token& token) {
  std::string result;
  for (size_t i = 0; i < token.text.size();) {
    const std::string_view rest = token.text.substr(i);
    if (rest.starts_with("$${") || rest.starts_with("%%{")) {
      result += rest.substr(1, 2);
      i += 3;
    } else if (rest[0] == '\\' && token.type == TokenType::QuotedText) {
      TRY(unescape(token, i, result));
    } else {
      result += rest[0];
      ++i;
    }
  }
  return result;
}

// Reads the pieces of a template.
class TemplateParser {
 public:
  TemplateParser(ExpressionParser& parser, TokenStream& tokens, Range open)
      : parser_(parser), tokens_(tokens), open_(std::move(open)) {}

  Result<std::vector<Piece>> pieces(TokenType end) {
    for (;;) {
      const Token token = tokens_.read();
      if (token.type == end) return std::move(pieces_);
      const bool trims_text = std::exchange(trim_next_, false);
      if (token.type == TokenType::QuotedText || token.type == TokenType::PlainText) {
        std::string text = TRY(literal_text(token));
        if (trims_text) text = trim_unicode_left(text);
        pieces_.push_back({TextPiece{std::move(text)}, token.range});
      } else if (token.type == TokenType::Interpolation || token.type == TokenType::Control) {
        if (token.text.ends_with('~')) trim_previous();
        TRY(sequence(token));
      } else {
        return error_at(open_, "the {} has no end",
                        end == TokenType::CloseHeredoc ? "heredoc" : "string");
      }
    }
  }

 private:
  void trim_previous() {
    if (pieces_.empty()) return;
    if (auto* text = std::get_if<TextPiece>(&pieces_.back().content)) {
      text->text = trim_right(std::move(text->text));
    }
  }

  Status sequence(const Token& open) {
    const TokenStream::Newlines ignored(tokens_, false);
    Piece piece;
    if (open.type == TokenType::Interpolation) {
      ExpressionPtr value = TRY(parser_.expression());
      piece.content = ValuePiece{std::move(value)};
    } else {
      TRY(directive(piece));
    }
    if (!tokens_.at(TokenType::TemplateEnd)) {
      return error_at(tokens_.peek().range, "\"}}\" is expected here (write {} for a literal {})",
                      open.type == TokenType::Interpolation ? "$${" : "%%{",
                      open.text.substr(0, 2));
    }
    const Token close = tokens_.read();
    trim_next_ = close.text.starts_with('~');
    piece.range = range_between(open.range, close.range);
    pieces_.push_back(std::move(piece));
    return {};
  }

  Status directive(Piece& piece) {
    const Token word = tokens_.read();
    if (word.type == TokenType::Identifier && word.text == "if") {
      ExpressionPtr condition = TRY(parser_.expression());
      piece.content = IfPiece{std::move(condition)};
    } else if (word.type == TokenType::Identifier && word.text == "for") {
      ForLoop loop;
      TRY(parser_.loop_header(loop));
      piece.content = ForPiece{std::move(loop)};
    } else {
      for (const Closing closing : {Closing::Else, Closing::EndIf, Closing::EndFor}) {
        if (word.type != TokenType::Identifier || word.text != name_of(closing)) continue;
        piece.content = ClosingPiece{closing};
        return {};
      }
      return error_at(word.range, "a directive begins with if, else, endif, for or endfor{}",
                      did_you_mean(word.text, {"if", "else", "endif", "for", "endfor"}));
    }
    return {};
  }

  ExpressionParser& parser_;
  TokenStream& tokens_;
  Range open_;
  std::vector<Piece> pieces_;
  bool trim_next_ = false;
};

Result<ExpressionPtr> ExpressionParser::template_until(TokenType end, bool flush,
                                                       const Range& open) {
  std::vector<Piece> pieces = TRY(TemplateParser(*this, tokens_, open).pieces(end));
  const Range close = tokens_.previous_range();
  const Range range = range_between(open, close);
  if (flush) flush_lines(pieces);
  join_texts(pieces);
  if (pieces.size() == 1 && std::holds_alternative<ValuePiece>(pieces[0].content)) {
    return make_expression(
        TemplateWrap{std::move(std::get<ValuePiece>(pieces[0].content).expression)}, range);
  }
  std::vector<ExpressionPtr> parts = TRY(TreeBuilder(std::move(pieces), close).run());
  if (parts.empty()) {
    parts.push_back(text_expression("", Range{open.file, open.end, open.end}));
  }
  return make_expression(Template{std::move(parts)}, range);
}

Result<std::string> ExpressionParser::quoted_literal() {
  const Token open = tokens_.read();
  std::string result;
  for (;;) {
    const Token token = tokens_.read();
    if (token.type == TokenType::CloseQuote) return result;
    if (token.type == TokenType::Interpolation || token.type == TokenType::Control) {
      return error_at(token.range, "templates are not allowed in this string (write {}{} for {})",
                      token.text[0], token.text.substr(0, 2), token.text.substr(0, 2));
    }
    if (token.type != TokenType::QuotedText) return error_at(open.range, "the string has no end");
    result += TRY(literal_text(token));
  }
}

}  // namespace slipway::hcl
