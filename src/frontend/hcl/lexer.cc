#include "frontend/hcl/lexer.h"

#include <utf8proc.h>

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "base/unicode.h"

namespace slipway::hcl {
namespace {

using TokenType = Token::Type;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Whether the character's general category is one of those.
bool has_category(char32_t c, std::initializer_list<utf8proc_category_t> categories) {
  const utf8proc_category_t category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return std::find(categories.begin(), categories.end(), category) != categories.end();
}

bool starts_identifier(char32_t c) {
  if (c < 0x80) return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return has_category(c, {UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_LL, UTF8PROC_CATEGORY_LT,
                          UTF8PROC_CATEGORY_LM, UTF8PROC_CATEGORY_LO, UTF8PROC_CATEGORY_NL});
}

bool continues_identifier(char32_t c) {
  if (c < 0x80) return starts_identifier(c) || c == '-' || (c >= '0' && c <= '9');
  return starts_identifier(c) || has_category(c, {UTF8PROC_CATEGORY_MN, UTF8PROC_CATEGORY_MC,
                                                  UTF8PROC_CATEGORY_ND, UTF8PROC_CATEGORY_PC});
}

// The bytes of the identifier that `text` begins with; 0: none.
size_t identifier_size(std::string_view text) {
  size_t size = 0;
  while (size < text.size()) {
    const DecodedCharacter character = decode_character(text.substr(size));
    const bool fits = size == 0 ? starts_identifier(character.code_point)
                                : continues_identifier(character.code_point);
    if (!fits) break;
    size += character.width;
  }
  return size;
}

// Digits with points and exponents anywhere between; the parser judges what it means.
size_t number_size(std::string_view text) {
  size_t size = 1;
  for (size_t i = 1; i < text.size();) {
    const char c = text[i];
    size_t width = 0;
    if (is_digit(c) || c == '.') {
      width = 1;
    } else if (c == 'e' || c == 'E') {
      const bool has_sign = i + 1 < text.size() && (text[i + 1] == '+' || text[i + 1] == '-');
      const size_t digit = i + (has_sign ? 2 : 1);
      if (digit < text.size() && is_digit(text[digit])) width = digit + 1 - i;
    }
    if (width == 0) break;
    i += width;
    if (c != '.') size = i;
  }
  return size;
}

size_t comment_size(std::string_view text) {
  if (text.starts_with('#') || text.starts_with("//")) {
    const size_t newline = text.find('\n');
    return newline == std::string_view::npos ? text.size() : newline + 1;
  }
  if (!text.starts_with("/*")) return 0;
  const size_t end = text.find("*/", 2);
  return end == std::string_view::npos ? 0 : end + 2;
}

size_t newline_size(std::string_view text) {
  if (text.starts_with('\n')) return 1;
  return text.starts_with("\r\n") ? 2 : 0;
}

struct Symbol {
  std::string_view text;
  TokenType type;
};
// Longer ones first.
constexpr Symbol kSymbols[] = {
    {"...", TokenType::Ellipsis},   {"==", TokenType::EqualTo},
    {"!=", TokenType::NotEqual},    {">=", TokenType::GreaterOrEqual},
    {"<=", TokenType::LessOrEqual}, {"&&", TokenType::And},
    {"||", TokenType::Or},          {"::", TokenType::DoubleColon},
    {"=>", TokenType::FatArrow},    {"[", TokenType::OpenBracket},
    {"]", TokenType::CloseBracket}, {"(", TokenType::OpenParen},
    {")", TokenType::CloseParen},   {".", TokenType::Dot},
    {",", TokenType::Comma},        {"*", TokenType::Star},
    {"/", TokenType::Slash},        {"%", TokenType::Percent},
    {"+", TokenType::Plus},         {"-", TokenType::Minus},
    {"=", TokenType::Equals},       {"<", TokenType::Less},
    {">", TokenType::Greater},      {"!", TokenType::Not},
    {"?", TokenType::Question},     {":", TokenType::Colon},
};

class Lexer {
 public:
  Lexer(std::string_view source, std::shared_ptr<const std::string> file, Position start)
      : rest_(source), file_(std::move(file)), position_(start) {
    if (rest_.starts_with("\xEF\xBB\xBF")) rest_.remove_prefix(3);
  }

  Result<std::vector<Token>> run(bool is_template) {
    modes_.push_back(is_template ? Mode::Bare : Mode::Expression);
    while (!rest_.empty()) {
      switch (modes_.back()) {
        case Mode::Expression:
          TRY(expression_token());
          break;
        case Mode::Quoted:
          TRY(quoted_token());
          break;
        case Mode::Heredoc:
          TRY(heredoc_token());
          break;
        case Mode::Bare:
          TRY(bare_token());
          break;
      }
    }
    emit(TokenType::EndOfFile, 0);
    return std::move(tokens_);
  }

 private:
  enum class Mode { Expression, Quoted, Heredoc, Bare };
  struct Heredoc {
    std::string_view marker;
    bool at_line_start = true;
  };

  void emit(TokenType type, size_t size) {
    Token token{type, rest_.substr(0, size), {file_, position_, position_}};
    advance(position_, token.text);
    token.range.end = position_;
    tokens_.push_back(std::move(token));
    rest_.remove_prefix(size);
  }

  Error invalid(size_t size, std::string_view message) const {
    Range range{file_, position_, position_};
    advance(range.end, rest_.substr(0, size));
    return error_at(range, message);
  }

  Status check_character(std::string_view text) const {
    const DecodedCharacter character = decode_character(text);
    if (character.code_point == kReplacementCharacter && character.width == 1) {
      return invalid(1, "the file is not UTF-8");
    }
    return {};
  }

  // ---- expressions

  Status expression_token() {
    if (rest_[0] == ' ' || rest_[0] == '\t') {
      const size_t size = std::min(rest_.find_first_not_of(" \t"), rest_.size());
      advance(position_, rest_.substr(0, size));
      rest_.remove_prefix(size);
      return {};
    }
    if (const size_t size = newline_size(rest_)) return emitted(TokenType::Newline, size);
    if (is_digit(rest_[0])) return emitted(TokenType::Number, number_size(rest_));
    if (const size_t size = identifier_size(rest_)) return emitted(TokenType::Identifier, size);
    if (const size_t size = comment_size(rest_)) return emitted(TokenType::Comment, size);
    if (rest_[0] == '"') {
      modes_.push_back(Mode::Quoted);
      return emitted(TokenType::OpenQuote, 1);
    }
    if (open_heredoc()) return {};
    if (rest_[0] == '{') {
      ++braces_;
      return emitted(TokenType::OpenBrace, 1);
    }
    if (rest_[0] == '}' || rest_.starts_with("~}")) return close_brace();
    for (const Symbol& symbol : kSymbols) {
      if (rest_.starts_with(symbol.text)) return emitted(symbol.type, symbol.text.size());
    }
    return foreign_character();
  }

  Status emitted(TokenType type, size_t size) {
    emit(type, size);
    return {};
  }

  Status foreign_character() const {
    TRY(check_character(rest_));
    switch (rest_[0]) {
      case '&':
        return invalid(1, "HCL has no bitwise operators (did you mean && ?)");
      case '|':
        return invalid(1, "HCL has no bitwise operators (did you mean || ?)");
      case '~':
        return invalid(1, "HCL has no bitwise operators (did you mean ! ?)");
      case '^':
        return invalid(1, "HCL has no bitwise operators");
      case '\'':
        return invalid(1, "single quotes are not valid, use \" for strings");
      case '`':
        return invalid(1,
                       "\"`\" is not valid, use a heredoc (<<EOT) for a string of several lines");
      case ';':
        return invalid(1, "\";\" is not valid, put each argument on a line of its own");
      default:
        return invalid(grapheme_size(rest_), "this character is not part of the language");
    }
  }

  // "<<EOT" or "<<-EOT" at the end of a line.
  bool open_heredoc() {
    if (!rest_.starts_with("<<")) return false;
    const size_t start = rest_.substr(2).starts_with('-') ? 3 : 2;
    const size_t size = identifier_size(rest_.substr(start));
    const size_t newline = newline_size(rest_.substr(start + size));
    if (size == 0 || newline == 0) return false;
    heredocs_.push_back({rest_.substr(start, size), true});
    modes_.push_back(Mode::Heredoc);
    emit(TokenType::OpenHeredoc, start + size + newline);
    return true;
  }

  Status close_brace() {
    const bool ends_template = !template_braces_.empty() && template_braces_.back() == braces_;
    const bool trims = rest_[0] == '~';
    if (!ends_template && trims) return invalid(2, "~} ends no template sequence here");
    emit(ends_template ? TokenType::TemplateEnd : TokenType::CloseBrace, trims ? 2 : 1);
    --braces_;
    if (ends_template) {
      template_braces_.pop_back();
      modes_.pop_back();
    }
    return {};
  }

  // ---- templates

  // "${" and "%{", which begin expression tokens.
  bool template_sequence() {
    if (!rest_.starts_with("${") && !rest_.starts_with("%{")) return false;
    const size_t size = rest_.substr(2).starts_with('~') ? 3 : 2;
    ++braces_;
    template_braces_.push_back(braces_);
    if (modes_.back() == Mode::Heredoc) heredocs_.back().at_line_start = false;
    modes_.push_back(Mode::Expression);
    emit(rest_[0] == '$' ? TokenType::Interpolation : TokenType::Control, size);
    return true;
  }

  // A "$" or "%" that begins no sequence: alone, or doubled before "{".
  size_t literal_sign_size() const {
    if (rest_[0] != '$' && rest_[0] != '%') return 0;
    const bool escaped =
        rest_.size() > 2 && (rest_[1] == '$' || rest_[1] == '%') && rest_[2] == '{';
    if (!escaped || rest_[1] != rest_[0]) return 1;
    return rest_.substr(3).starts_with('~') ? 4 : 3;
  }

  Status quoted_token() {
    if (template_sequence()) return {};
    if (rest_[0] == '"') {
      emit(TokenType::CloseQuote, 1);
      modes_.pop_back();
      return {};
    }
    if (rest_[0] == '\n' || rest_[0] == '\r') {
      return invalid(1,
                     "a quoted string ends on its line; write \\n, or use a heredoc (<<EOT) for "
                     "several lines");
    }
    if (const size_t size = literal_sign_size()) return emitted(TokenType::QuotedText, size);
    size_t size = 0;
    while (size < rest_.size() &&
           std::string_view("$%\"\r\n").find(rest_[size]) == std::string_view::npos) {
      if (rest_[size] == '\\') ++size;
      if (size >= rest_.size() || rest_[size] == '\r' || rest_[size] == '\n') break;
      TRY(check_character(rest_.substr(size)));
      size += decode_character(rest_.substr(size)).width;
    }
    return emitted(TokenType::QuotedText, std::min(size, rest_.size()));
  }

  // Text up to a "$", "%" or newline; the newline belongs to it.
  Result<size_t> plain_size() const {
    size_t size = literal_sign_size();
    if (size == 0) {
      while (size < rest_.size() &&
             std::string_view("$%\r\n").find(rest_[size]) == std::string_view::npos) {
        TRY(check_character(rest_.substr(size)));
        size += decode_character(rest_.substr(size)).width;
      }
    }
    const size_t newline = newline_size(rest_.substr(size));
    if (size + newline == 0) return invalid(1, "a carriage return without a newline");
    return size + newline;
  }

  Status heredoc_token() {
    if (template_sequence()) return {};
    const size_t size = TRY(plain_size());
    Heredoc& heredoc = heredocs_.back();
    const std::string_view line = rest_.substr(0, size);
    const bool ends_line = line.ends_with('\n');
    if (ends_line && heredoc.at_line_start && trimmed(line) == heredoc.marker) {
      const size_t newline = line.ends_with("\r\n") ? 2 : 1;
      emit(TokenType::CloseHeredoc, size - newline);
      emit(TokenType::Newline, newline);
      heredocs_.pop_back();
      modes_.pop_back();
      return {};
    }
    heredoc.at_line_start = ends_line;
    return emitted(TokenType::PlainText, size);
  }

  static std::string_view trimmed(std::string_view line) { return trim_unicode(line); }

  Status bare_token() {
    if (template_sequence()) return {};
    return emitted(TokenType::PlainText, TRY(plain_size()));
  }

  std::string_view rest_;
  std::shared_ptr<const std::string> file_;
  Position position_;
  std::vector<Token> tokens_;
  std::vector<Mode> modes_;
  std::vector<Heredoc> heredocs_;
  std::vector<int> template_braces_;  // the depth of braces_ at which each open sequence ends
  int braces_ = 0;
};

}  // namespace

Result<std::vector<Token>> lex(std::string_view source, std::shared_ptr<const std::string> file,
                               Position start) {
  return Lexer(source, std::move(file), start).run(false);
}

Result<std::vector<Token>> lex_template(std::string_view source,
                                        std::shared_ptr<const std::string> file, Position start) {
  return Lexer(source, std::move(file), start).run(true);
}

bool is_identifier(std::string_view text) {
  return !text.empty() && identifier_size(text) == text.size();
}

}  // namespace slipway::hcl
