#include "base/pattern_matcher.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.h"
#include "base/unicode.h"

namespace slipway {
namespace {

struct CharacterRange {
  char32_t first;
  char32_t last;
};

// One piece of a compiled pattern.
struct Token {
  enum class Kind {
    Literal,      // one character
    Class,        // one character of a set
    ClassRun,     // any number of them: "*" is a run of what is no slash
    AnyText,      // ".*": any number of characters, no newline among them
    AnyFolders,   // "(.*/)?": nothing, or any text that ends in a slash
    StartOfText,  // a "^" outside of brackets
  };
  Kind kind;
  char32_t character = 0;
  std::vector<CharacterRange> ranges;
  bool negated = false;

  bool accepts(char32_t c) const {
    if (kind == Kind::Literal) return c == character;
    const bool inside = std::any_of(ranges.begin(), ranges.end(), [&](const CharacterRange& range) {
      return c >= range.first && c <= range.last;
    });
    return inside != negated;
  }
};

Token literal(char32_t c) {
  return {Token::Kind::Literal, c, {}, false};
}
Token no_slash(Token::Kind kind) {
  return {kind, 0, {{'/', '/'}}, true};
}

Error bad_pattern() {
  return Error(ErrorCode::InvalidInput, "syntax error in pattern");
}

// One end of a range in brackets, taken off the text; nothing where it is malformed.
std::optional<char32_t> take_range_end(std::u32string_view& text) {
  if (text.empty() || text[0] == '-' || text[0] == ']') return std::nullopt;
  if (text[0] == '\\') text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  const char32_t c = text[0];
  text.remove_prefix(1);
  if (text.empty()) return std::nullopt;  // "]" has to follow
  return c;
}

// Reads the bracket expression at the start of `text`, as path/filepath.Match defines it.
Result<Token> take_class(std::u32string_view& text) {
  text.remove_prefix(1);
  Token token{Token::Kind::Class, 0, {}, false};
  if (text.starts_with(U"^")) {
    token.negated = true;
    text.remove_prefix(1);
  }
  while (!(text.starts_with(U"]") && !token.ranges.empty())) {
    const auto first = take_range_end(text);
    if (!first) return bad_pattern();
    auto last = first;
    if (text[0] == '-') {
      text.remove_prefix(1);
      last = take_range_end(text);
      if (!last || *last < *first) return bad_pattern();
    }
    token.ranges.push_back({*first, *last});
  }
  text.remove_prefix(1);
  return token;
}

// The positions of `text` after which the rest of the pattern may go on.
using Positions = std::vector<char>;

void step(const Token& token, std::u32string_view text, Positions& at) {
  const size_t n = text.size();
  switch (token.kind) {
    case Token::Kind::Literal:
    case Token::Kind::Class:
      for (size_t i = n + 1; i-- > 0;) at[i] = i > 0 && at[i - 1] && token.accepts(text[i - 1]);
      break;
    case Token::Kind::ClassRun:
      for (size_t i = 1; i <= n; ++i) at[i] = at[i] || (at[i - 1] && token.accepts(text[i - 1]));
      break;
    case Token::Kind::AnyText:
      for (size_t i = 1; i <= n; ++i) at[i] = at[i] || (at[i - 1] && text[i - 1] != '\n');
      break;
    case Token::Kind::AnyFolders: {
      bool inside = at[0] != 0;
      for (size_t i = 1; i <= n; ++i) {
        const bool began = at[i] != 0;
        if (inside && text[i - 1] == '/') at[i] = 1;
        inside = (inside && text[i - 1] != '\n') || began;
      }
      break;
    }
    case Token::Kind::StartOfText:
      std::fill(at.begin() + 1, at.end(), 0);
      break;
  }
}

// The number of literal characters at the end of a pattern.
size_t literal_tail(const std::vector<Token>& tokens) {
  size_t count = 0;
  while (count < tokens.size() && tokens[tokens.size() - 1 - count].kind == Token::Kind::Literal) {
    ++count;
  }
  return count;
}

std::string parent_of(std::string_view path) {
  const size_t slash = path.rfind('/');
  return clean_path(path.substr(0, slash == std::string_view::npos ? 0 : slash + 1));
}

}  // namespace

class PatternMatcher::Pattern {
 public:
  static Result<Pattern> create(std::string text, bool exclusion) {
    Pattern pattern;
    pattern.text_ = std::move(text);
    pattern.exclusion_ = exclusion;
    TRY(pattern.compile());
    return pattern;
  }

  bool exclusion() const { return exclusion_; }
  const std::string& text() const { return text_; }

  bool matches(std::string_view path) const {
    switch (type_) {
      case Type::Exact:
        return path == text_;
      case Type::Prefix:
        return path.starts_with(std::string_view(text_).substr(0, text_.size() - 2));
      case Type::Suffix: {
        const std::string_view suffix = std::string_view(text_).substr(2);
        return path.ends_with(suffix) || (suffix.starts_with('/') && path == suffix.substr(1));
      }
      case Type::Tokens:
        return matches_tokens(decode_utf8(path));
    }
    return false;
  }

  bool matches_or_parent(std::string_view path) const {
    if (matches(path)) return true;
    const std::string parent = parent_of(path);
    if (parent == ".") return false;
    for (size_t end = parent.find('/');; end = parent.find('/', end + 1)) {
      if (matches(std::string_view(parent).substr(0, end))) return true;
      if (end == std::string::npos) return false;
    }
  }

 private:
  enum class Type { Exact, Prefix, Suffix, Tokens };

  Status compile() {
    const std::u32string characters = decode_utf8(text_);
    std::u32string_view rest = characters;
    for (bool first = true; !rest.empty(); first = false) {
      const char32_t c = rest[0];
      if (c == '[') {
        tokens_.push_back(TRY(take_class(rest)));
        type_ = Type::Tokens;
        continue;
      }
      rest.remove_prefix(1);
      if (c == '*' && rest.starts_with(U"*")) {
        rest.remove_prefix(1);
        compile_double_star(rest, first);
      } else if (c == '*' || c == '?') {
        tokens_.push_back(no_slash(c == '*' ? Token::Kind::ClassRun : Token::Kind::Class));
        type_ = Type::Tokens;
      } else if (c == '\\') {
        if (rest.empty()) return bad_pattern();
        tokens_.push_back(literal(rest[0]));
        rest.remove_prefix(1);
        type_ = Type::Tokens;
      } else if (c == '^') {
        tokens_.push_back({Token::Kind::StartOfText, 0, {}, false});
      } else {
        if (c == ']') type_ = Type::Tokens;
        tokens_.push_back(literal(c));
      }
    }
    tail_ = literal_tail(tokens_);
    return {};
  }

  void compile_double_star(std::u32string_view& rest, bool first) {
    if (rest.starts_with(U"/")) rest.remove_prefix(1);
    if (!rest.empty()) {
      tokens_.push_back({Token::Kind::AnyFolders, 0, {}, false});
      type_ = Type::Tokens;
    } else if (type_ == Type::Exact) {
      type_ = Type::Prefix;
    } else {
      tokens_.push_back({Token::Kind::AnyText, 0, {}, false});
      type_ = Type::Tokens;
    }
    if (first) type_ = Type::Suffix;
  }

  bool matches_tokens(std::u32string_view path) const {
    // Most paths fail at an end of the pattern that is literal.
    if (path.size() < tail_) return false;
    for (size_t i = 1; i <= tail_; ++i) {
      if (path[path.size() - i] != tokens_[tokens_.size() - i].character) return false;
    }
    if (!tokens_.empty() && tokens_[0].kind == Token::Kind::Literal &&
        (path.empty() || path[0] != tokens_[0].character)) {
      return false;
    }
    Positions at(path.size() + 1, 0);
    at[0] = 1;
    for (const Token& token : tokens_) step(token, path, at);
    return at.back() != 0;
  }

  std::string text_;
  bool exclusion_ = false;
  Type type_ = Type::Exact;
  std::vector<Token> tokens_;
  size_t tail_ = 0;
};

PatternMatcher::PatternMatcher(std::vector<Pattern> patterns) : patterns_(std::move(patterns)) {}
PatternMatcher::PatternMatcher(PatternMatcher&&) noexcept = default;
PatternMatcher& PatternMatcher::operator=(PatternMatcher&&) noexcept = default;
PatternMatcher::~PatternMatcher() = default;

Result<PatternMatcher> PatternMatcher::create(const std::vector<std::string>& patterns) {
  std::vector<Pattern> compiled;
  for (const std::string& line : patterns) {
    const std::string_view trimmed = trim_unicode(line);
    if (trimmed.empty()) continue;
    std::string text = clean_path(trimmed);
    const bool exclusion = text[0] == '!';
    if (exclusion) text.erase(0, 1);
    if (text.empty()) return Error(ErrorCode::InvalidInput, "illegal exclusion pattern: \"!\"");
    compiled.push_back(TRY(Pattern::create(std::move(text), exclusion)
                               .context("read ignore pattern " + go_quote(line))));
  }
  return PatternMatcher(std::move(compiled));
}

bool PatternMatcher::matches(std::string_view path) const {
  bool matched = false;
  for (const Pattern& pattern : patterns_) {
    // Only a pattern that can change the answer is looked at.
    if (pattern.exclusion() == matched && pattern.matches_or_parent(path)) {
      matched = !pattern.exclusion();
    }
  }
  return matched;
}

PatternMatcher::Answer PatternMatcher::matches_below(std::string_view path,
                                                     const ParentMatches& parent) const {
  Answer answer;
  answer.here.matched.resize(patterns_.size());
  const bool knows_parent = !parent.matched.empty();
  for (size_t i = 0; i < patterns_.size(); ++i) {
    const Pattern& pattern = patterns_[i];
    bool match = knows_parent && parent.matched[i];
    if (!match) {
      if (pattern.exclusion() != answer.matches) continue;
      match = knows_parent ? pattern.matches(path) : pattern.matches_or_parent(path);
    }
    answer.here.matched[i] = match;
    if (match) answer.matches = !pattern.exclusion();
  }
  return answer;
}

bool PatternMatcher::has_exclusions() const {
  return std::any_of(patterns_.begin(), patterns_.end(),
                     [](const Pattern& pattern) { return pattern.exclusion(); });
}

bool PatternMatcher::empty() const {
  return patterns_.empty();
}

std::vector<std::string> PatternMatcher::patterns() const {
  std::vector<std::string> texts;
  for (const Pattern& pattern : patterns_) {
    texts.push_back((pattern.exclusion() ? "!" : "") + pattern.text());
  }
  return texts;
}

bool PatternMatcher::may_take_back_below(std::string_view path) const {
  const std::string directory = std::string(path) + "/";
  return std::any_of(patterns_.begin(), patterns_.end(), [&](const Pattern& pattern) {
    if (!pattern.exclusion()) return false;
    // Up to its first wildcard, the pattern and the directory have to agree.
    const std::string& text = pattern.text();
    const size_t literal_end = std::min(text.find_first_of("*?[\\"), text.size());
    const size_t common = std::min(literal_end, directory.size());
    return text.compare(0, common, directory, 0, common) == 0;
  });
}

std::string clean_path(std::string_view path) {
  const bool rooted = path.starts_with('/');
  std::vector<std::string> parts;
  for (std::string& part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(std::move(part));
    } else if (!parts.empty() && parts.back() != "..") {
      parts.pop_back();
    } else if (!rooted) {
      parts.push_back("..");
    }
  }
  const std::string joined = (rooted ? "/" : "") + join(parts, "/");
  return joined.empty() ? "." : joined;
}

}  // namespace slipway
