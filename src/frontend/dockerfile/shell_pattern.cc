#include "frontend/dockerfile/shell_pattern.h"

#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "base/unicode.h"

namespace slipway::dockerfile {
namespace {

struct Token {
  enum class Kind { Literal, AnyCharacter, AnyText } kind;
  char32_t character = 0;
};
using Pattern = std::vector<Token>;

Error invalid_escape(std::string_view pattern, std::string escaped) {
  return make_error(ErrorCode::InvalidInput,
                    "invalid pattern ({}) in substitution: invalid escape '\\{}'", pattern,
                    escaped);
}

Result<Pattern> parse_pattern(std::string_view text) {
  const std::u32string characters = decode_utf8(text);
  Pattern pattern;
  // A byte order mark is no text: BuildKit's scanner passes over it.
  for (size_t i = characters.starts_with(U'\uFEFF') ? 1 : 0; i < characters.size(); ++i) {
    const char32_t c = characters[i];
    if (c == '*') {
      pattern.push_back({Token::Kind::AnyText});
    } else if (c == '?') {
      pattern.push_back({Token::Kind::AnyCharacter});
    } else if (c == '\\') {
      if (i + 1 == characters.size()) return invalid_escape(text, "\uFFFD");
      const char32_t escaped = characters[i + 1];
      // "}" and "/" had to be escaped to get here; the escape is no part of the pattern.
      if (escaped == '}' || escaped == '/') continue;
      if (escaped != '*' && escaped != '?' && escaped != '\\') {
        return invalid_escape(text, encode_utf8({&escaped, 1}));
      }
      pattern.push_back({Token::Kind::Literal, escaped});
      ++i;
    } else {
      pattern.push_back({Token::Kind::Literal, c});
    }
  }
  return pattern;
}

constexpr size_t kNoMatch = std::u32string_view::npos;

// For every position of the text, where the match that starts there ends (or kNoMatch). Among
// several matches, the one that a backtracking matcher finds first: each "*", left to right, as
// long (greedy) or as short as it can be. A wildcard does not match a newline.
std::vector<size_t> match_ends(const Pattern& pattern, std::u32string_view text, bool greedy) {
  std::vector<size_t> ends(text.size() + 1);  // of the rest of the pattern
  std::iota(ends.begin(), ends.end(), size_t{0});
  for (size_t p = pattern.size(); p-- > 0;) {
    const Token& token = pattern[p];
    std::vector<size_t> here(ends.size(), kNoMatch);
    for (size_t i = ends.size(); i-- > 0;) {
      const bool more = i < text.size();
      const bool wild = more && text[i] != '\n';
      switch (token.kind) {
        case Token::Kind::Literal:
          if (more && text[i] == token.character) here[i] = ends[i + 1];
          break;
        case Token::Kind::AnyCharacter:
          if (wild) here[i] = ends[i + 1];
          break;
        case Token::Kind::AnyText: {
          const size_t longer = wild ? here[i + 1] : kNoMatch;
          const size_t shorter = ends[i];
          here[i] = greedy ? longer : shorter;
          if (here[i] == kNoMatch) here[i] = greedy ? shorter : longer;
          break;
        }
      }
    }
    ends = std::move(here);
  }
  return ends;
}

// The first position from `from` on where a match starts.
std::optional<size_t> find_match(const std::vector<size_t>& ends, size_t from) {
  for (size_t start = from; start < ends.size(); ++start) {
    if (ends[start] != kNoMatch) return start;
  }
  return std::nullopt;
}

bool is_word_character(char32_t c) {
  return c == '_' || is_unicode_letter(c) || is_unicode_digit(c);
}

// A replacement for all matches is a template: "$0" is the match, "$$" a dollar, any other $name
// or ${name} nothing (there are no groups).
void append_template(std::u32string& out, std::u32string_view replacement,
                     std::u32string_view match) {
  for (size_t i = 0; i < replacement.size(); ++i) {
    if (replacement[i] != '$' || i + 1 == replacement.size()) {
      out += replacement[i];
      continue;
    }
    if (replacement[i + 1] == '$') {
      out += replacement[++i];
      continue;
    }
    const bool brace = replacement[i + 1] == '{';
    const size_t first = i + (brace ? 2 : 1);
    size_t last = first;
    while (last < replacement.size() && is_word_character(replacement[last])) ++last;
    const bool closed = !brace || (last < replacement.size() && replacement[last] == '}');
    if (last == first || !closed) {
      out += replacement[i];
      continue;
    }
    if (replacement.substr(first, last - first) == U"0") out += match;
    i = last - (brace ? 0 : 1);
  }
}

std::u32string replace_all(const Pattern& pattern, std::u32string_view text,
                           std::u32string_view replacement) {
  std::u32string out;
  size_t copied = 0;
  const std::vector<size_t> ends = match_ends(pattern, text, true);
  for (size_t from = 0; from <= text.size();) {
    const auto first = find_match(ends, from);
    if (!first) break;
    const size_t last = ends[*first];
    out += text.substr(copied, *first - copied);
    // An empty match right after another match does not count.
    if (last > copied || *first == 0) {
      append_template(out, replacement, text.substr(*first, last - *first));
    }
    copied = last;
    from = last > from ? last : from + 1;
  }
  out += text.substr(copied);
  return out;
}

// The pattern for the reversed text: its characters backwards, each escape still before its own.
std::u32string reverse_pattern(std::u32string_view pattern) {
  std::u32string reversed(pattern.size(), 0);
  for (size_t i = 0; i < pattern.size(); ++i) {
    const size_t mirrored = pattern.size() - 1 - i;
    if (pattern[i] == '\\' && i + 1 < pattern.size()) {
      reversed[mirrored - 1] = pattern[i];
      reversed[mirrored] = pattern[i + 1];
      ++i;
    } else {
      reversed[mirrored] = pattern[i];
    }
  }
  return reversed;
}

}  // namespace

Result<std::string> trim_prefix(std::string_view pattern, std::string_view value, bool greedy) {
  const Pattern parsed = TRY(parse_pattern(pattern));
  const std::u32string text = decode_utf8(value);
  const size_t end = match_ends(parsed, text, greedy)[0];
  if (end == kNoMatch) return std::string(value);
  return encode_utf8(std::u32string_view(text).substr(end));
}

Result<std::string> trim_suffix(std::string_view pattern, std::string_view value, bool greedy) {
  const std::u32string text = decode_utf8(value);
  const std::string backwards = encode_utf8(std::u32string(text.rbegin(), text.rend()));
  const std::u32string rest = decode_utf8(
      TRY(trim_prefix(encode_utf8(reverse_pattern(decode_utf8(pattern))), backwards, greedy)));
  return encode_utf8(std::u32string(rest.rbegin(), rest.rend()));
}

Result<std::string> replace(std::string_view pattern, std::string_view value,
                            std::string_view replacement, bool all) {
  const Pattern parsed = TRY(parse_pattern(pattern));
  const std::u32string text = decode_utf8(value);
  if (all) return encode_utf8(replace_all(parsed, text, decode_utf8(replacement)));
  const std::vector<size_t> ends = match_ends(parsed, text, true);
  const auto first = find_match(ends, 0);
  if (!first) return std::string(value);
  const std::u32string_view view = text;
  return encode_utf8(view.substr(0, *first)) + std::string(replacement) +
         encode_utf8(view.substr(ends[*first]));
}

}  // namespace slipway::dockerfile
