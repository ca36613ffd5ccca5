#include "frontend/dockerfile/shell_lexer.h"

#include <optional>
#include <utility>

#include "base/unicode.h"
#include "frontend/dockerfile/shell_pattern.h"

namespace slipway::dockerfile {
namespace {

constexpr char32_t kEnd = static_cast<char32_t>(-1);
constexpr int kMaxDepth = 200;  // of ${a:-${b:-...}}: a stack is finite

Error syntax_error(std::string_view text) {
  return Error(ErrorCode::InvalidInput, std::string(text));
}

// Collects words from the characters of a text: unquoted white space ends one.
class WordSplitter {
 public:
  explicit WordSplitter(std::string& buffer) : buffer_(buffer) {}

  void add(char32_t c) {
    if (!is_unicode_space(c)) {
      add_raw(c);
    } else if (in_word_ && !buffer_.empty()) {
      end_word();
    }
  }
  void add(std::string_view text) {
    for (const char32_t c : decode_utf8(text)) add(c);
  }
  void add_raw(char32_t c) {
    append_utf8(buffer_, c);
    in_word_ = true;
  }
  void add_raw(std::string_view text) {
    buffer_ += text;
    in_word_ = true;
  }
  std::vector<std::string> finish() {
    if (!buffer_.empty()) end_word();
    return std::move(words_);
  }

 private:
  void end_word() {
    words_.push_back(std::exchange(buffer_, {}));
    in_word_ = false;
  }

  std::string& buffer_;
  std::vector<std::string> words_;
  bool in_word_ = false;
};

struct Expansion {
  std::string text;
  std::vector<std::string> words;
};

// One pass over one text.
class Scan {
 public:
  Scan(const ShellLexer::Options& options, std::string_view text, const Environment& environment)
      : options_(options),
        text_(decode_utf8(text)),
        environment_(environment),
        raw_escapes_(options.raw_escapes) {
    if (!text_.empty() && text_[0] == 0xFEFF) position_ = 1;  // a byte order mark is no text
  }

  Result<Expansion> run() { return until(kEnd, raw_escapes_, false); }

  std::set<std::string>& matched() { return matched_; }
  std::set<std::string>& unmatched() { return unmatched_; }

 private:
  char32_t peek() const { return position_ < text_.size() ? text_[position_] : kEnd; }
  char32_t next() { return position_ < text_.size() ? text_[position_++] : kEnd; }
  bool is_escape(char32_t c) const { return c == static_cast<unsigned char>(options_.escape); }

  // Reads up to `stop` (not part of the result) or the end. keep_pattern_escapes doubles escapes
  // inside quotes, because a pattern is read once more.
  Result<Expansion> until(char32_t stop, bool raw_escapes, bool keep_pattern_escapes);
  Result<std::string> special(char32_t c, bool keep_pattern_escapes);
  Result<std::string> single_quoted(bool keep_pattern_escapes);
  Result<std::string> double_quoted(bool keep_pattern_escapes);
  std::string heredoc_or_less_than();
  Result<std::string> dollar();
  Result<std::string> with_default(const std::string& name, char32_t modifier, bool empty_is_unset,
                                   const std::string& modifier_text);
  Result<std::string> with_replacement(const std::string& name);
  std::string name();
  std::optional<std::string> value_of(const std::string& name);

  const ShellLexer::Options& options_;
  std::u32string text_;
  size_t position_ = 0;
  int depth_ = 0;
  const Environment& environment_;
  bool raw_escapes_;
  // One buffer for all nesting levels: a ${name:-word} drops the part of the word before it when
  // the result is asked for as words. That is BuildKit's behaviour, which image configs depend on.
  std::string word_buffer_;
  std::set<std::string> matched_;
  std::set<std::string> unmatched_;
};

Result<Expansion> Scan::until(char32_t stop, bool raw_escapes, bool keep_pattern_escapes) {
  if (++depth_ > kMaxDepth) return syntax_error("syntax error: substitutions nested too deeply");
  std::string result;
  word_buffer_.clear();
  WordSplitter words(word_buffer_);
  const bool outer_raw_escapes = std::exchange(raw_escapes_, raw_escapes);
  for (;;) {
    const char32_t c = peek();
    if (c == kEnd) break;
    if (c == stop) {
      next();
      --depth_;
      raw_escapes_ = outer_raw_escapes;
      return Expansion{std::move(result), words.finish()};
    }
    const bool quote = (c == '\'' || c == '"') && !options_.keep_quotes;
    if (quote || c == '$' || c == '<') {
      const std::string text = TRY(special(c, keep_pattern_escapes));
      result += text;
      c == '$' ? words.add(text) : words.add_raw(text);
      continue;
    }
    next();
    if (!is_escape(c)) {
      words.add(c);
      append_utf8(result, c);
      continue;
    }
    if (raw_escapes_) {
      words.add_raw(c);
      append_utf8(result, c);
    }
    const char32_t escaped = next();
    if (escaped == kEnd) break;
    words.add_raw(escaped);
    append_utf8(result, escaped);
  }
  if (stop != kEnd) {
    return syntax_error("unexpected end of statement while looking for matching " +
                        encode_utf8({&stop, 1}));
  }
  raw_escapes_ = outer_raw_escapes;
  return Expansion{std::move(result), words.finish()};
}

Result<std::string> Scan::special(char32_t c, bool keep_pattern_escapes) {
  if (c == '\'') return single_quoted(keep_pattern_escapes);
  if (c == '"') return double_quoted(keep_pattern_escapes);
  if (c == '$') return dollar();
  return heredoc_or_less_than();
}

// Everything up to the next single quote is literal; nothing can be escaped.
Result<std::string> Scan::single_quoted(bool keep_pattern_escapes) {
  std::string result;
  next();
  if (options_.raw_quotes) result += '\'';
  for (;;) {
    const char32_t c = next();
    if (c == kEnd) {
      return syntax_error("unexpected end of statement while looking for matching single-quote");
    }
    if (c == '\'') {
      if (options_.raw_quotes) result += '\'';
      return result;
    }
    if (keep_pattern_escapes && is_escape(c)) append_utf8(result, c);
    append_utf8(result, c);
  }
}

// Variables are expanded; the escape character escapes only ", $ and itself.
Result<std::string> Scan::double_quoted(bool keep_pattern_escapes) {
  std::string result;
  next();
  if (options_.raw_quotes) result += '"';
  for (;;) {
    char32_t c = peek();
    if (c == kEnd) {
      return syntax_error("unexpected end of statement while looking for matching double-quote");
    }
    if (c == '"') {
      next();
      if (options_.raw_quotes) result += '"';
      return result;
    }
    if (c == '$') {
      result += TRY(dollar());
      continue;
    }
    next();
    if (is_escape(c)) {
      const char32_t escaped = peek();
      if (escaped == kEnd) continue;
      if (escaped == '"' || escaped == '$' || is_escape(escaped)) {
        if (raw_escapes_) append_utf8(result, c);
        c = next();
      } else if (raw_escapes_ && (!options_.raw_quotes || keep_pattern_escapes)) {
        append_utf8(result, c);
      }
    }
    append_utf8(result, c);
  }
}

// "<<" takes the blanks after it along, so that "<< EOF" stays one word.
std::string Scan::heredoc_or_less_than() {
  next();
  if (peek() != '<') return "<";
  next();
  std::string result = "<<";
  while (peek() == '\t' || peek() == '\r' || peek() == ' ') append_utf8(result, next());
  return result;
}

Result<std::string> Scan::dollar() {
  next();
  if (peek() != '{') {
    const std::string variable = name();
    if (variable.empty()) return std::string("$");
    const auto value = value_of(variable);
    if (!value && options_.skip_unset) return "$" + variable;
    return value.value_or("");
  }
  next();
  if (peek() == kEnd) return syntax_error("syntax error: missing '}'");
  if (peek() == '{' || peek() == '}' || peek() == ':') {
    return syntax_error("syntax error: bad substitution");
  }
  const std::string variable = name();
  char32_t modifier = next();
  // What a scanner's end of text looks like as a character.
  std::string modifier_text = encode_utf8({&modifier, 1});
  switch (modifier) {
    case '}': {
      const auto value = value_of(variable);
      if (!value && options_.skip_unset) return "${" + variable + "}";
      return value.value_or("");
    }
    case ':':
      modifier = next();
      append_utf8(modifier_text, modifier);
      return with_default(variable, modifier, true, modifier_text);
    case '+':
    case '-':
    case '?':
    case '#':
    case '%':
      return with_default(variable, modifier, false, modifier_text);
    case '/':
      return with_replacement(variable);
    default:
      return make_error(ErrorCode::InvalidInput, "unsupported modifier ({}) in substitution",
                        modifier_text);
  }
}

Result<std::string> Scan::with_default(const std::string& variable, char32_t modifier,
                                       bool empty_is_unset, const std::string& modifier_text) {
  const bool is_pattern = modifier == '#' || modifier == '%';
  const auto unsupported = [&] {
    return make_error(ErrorCode::InvalidInput, "unsupported modifier ({}) in substitution",
                      modifier_text);
  };
  if (empty_is_unset && is_pattern) return unsupported();
  Result<Expansion> operand = until('}', is_pattern, is_pattern);
  if (!operand) {
    if (peek() == kEnd) return syntax_error("syntax error: missing '}'");
    return std::move(operand).error();
  }
  const std::string& word = operand->text;
  const auto value = value_of(variable);
  if (options_.skip_unset && !value) {
    return "${" + variable + modifier_text + word + "}";
  }
  const bool usable = value && !(empty_is_unset && value->empty());
  switch (modifier) {
    case '-':
      return usable ? *value : word;
    case '+':
      return usable ? word : std::string();
    case '?': {
      if (usable) return *value;
      const std::string_view reason =
          value ? "is not allowed to be empty" : "is not allowed to be unset";
      return make_error(ErrorCode::InvalidInput, "{}: {}", variable, word.empty() ? reason : word);
    }
    case '#':
    case '%': {
      const bool greedy = !word.empty() && static_cast<unsigned char>(word[0]) == modifier;
      const std::string_view pattern = std::string_view(word).substr(greedy ? 1 : 0);
      return modifier == '%' ? trim_suffix(pattern, value.value_or(""), greedy)
                             : trim_prefix(pattern, value.value_or(""), greedy);
    }
    default:
      return unsupported();
  }
}

Result<std::string> Scan::with_replacement(const std::string& variable) {
  const bool all = peek() == '/';
  if (all) next();
  Result<Expansion> pattern = until('/', true, true);
  if (!pattern) {
    if (peek() == kEnd) return syntax_error("syntax error: missing '/' in ${}");
    return std::move(pattern).error();
  }
  Result<Expansion> replacement = until('}', true, false);
  if (!replacement) {
    if (peek() == kEnd) return syntax_error("syntax error: missing '}'");
    return std::move(replacement).error();
  }
  const auto value = value_of(variable);
  if (options_.skip_unset && !value) {
    return "${" + variable + "/" + pattern->text + "/" + replacement->text + "}";
  }
  return replace(pattern->text, value.value_or(""), replacement->text, all);
}

// Letters, digits and "_"; or digits alone; or one special parameter of the shell.
std::string Scan::name() {
  std::string result;
  for (char32_t c = peek(); c != kEnd; c = peek()) {
    if (result.empty() && is_unicode_digit(c)) {
      while (peek() != kEnd && is_unicode_digit(peek())) append_utf8(result, next());
      return result;
    }
    if (result.empty() && c < 0x80 && std::string_view("@*#?-$!0").contains(static_cast<char>(c))) {
      append_utf8(result, next());
      return result;
    }
    if (!is_unicode_letter(c) && !is_unicode_digit(c) && c != '_') break;
    append_utf8(result, next());
  }
  return result;
}

std::optional<std::string> Scan::value_of(const std::string& variable) {
  const auto found = environment_.find(variable);
  (found == environment_.end() ? unmatched_ : matched_).insert(variable);
  if (found == environment_.end()) return std::nullopt;
  return found->second;
}

}  // namespace

Environment environment_of(const std::vector<std::string>& entries) {
  Environment environment;
  for (const std::string& entry : entries) {
    const size_t equals = entry.find('=');
    const std::string value = equals == std::string::npos ? "" : entry.substr(equals + 1);
    environment.insert_or_assign(entry.substr(0, equals), value);
  }
  return environment;
}

Result<ExpandedWord> ShellLexer::expand(std::string_view text,
                                        const Environment& environment) const {
  Scan scan(options_, text, environment);
  Expansion result = TRY(scan.run().context("failed to process " + go_quote(text)));
  return ExpandedWord{std::move(result.text), std::move(scan.matched()),
                      std::move(scan.unmatched())};
}

std::set<std::string> ShellLexer::unset_variables(std::string_view text,
                                                  const Environment& environment) const {
  Scan scan(options_, text, environment);
  (void)scan.run();
  return std::move(scan.unmatched());
}

Result<std::string> ShellLexer::word(std::string_view text, const Environment& environment) const {
  return TRY(expand(text, environment)).text;
}

Result<std::vector<std::string>> ShellLexer::words(std::string_view text,
                                                   const Environment& environment) const {
  Scan scan(options_, text, environment);
  return TRY(scan.run().context("failed to process " + go_quote(text))).words;
}

}  // namespace slipway::dockerfile
