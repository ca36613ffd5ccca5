#include "source/glob.h"

namespace slipway::source {
namespace {

// Consumes one code point of UTF-8 (or one byte, where it is none).
std::string_view take_character(std::string_view& text) {
  const auto first = static_cast<unsigned char>(text.front());
  size_t length = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  length = std::min(length, text.size());
  const std::string_view character = text.substr(0, length);
  text.remove_prefix(length);
  return character;
}

class Matcher {
 public:
  explicit Matcher(std::string_view pattern) : whole_(pattern) {}

  Result<bool> match(std::string_view pattern, std::string_view name) {
    while (!pattern.empty()) {
      if (pattern.front() == '*') return match_star(pattern, name);
      if (name.empty()) return reject(pattern);
      const std::string_view character = take_character(name);
      if (!TRY(match_one(pattern, character))) return false;
    }
    return name.empty();
  }

 private:
  // No match; but the rest of the pattern must be well-formed too.
  Result<bool> reject(std::string_view pattern) {
    while (!pattern.empty()) {
      if (pattern.front() == '*') {
        pattern.remove_prefix(1);
      } else {
        TRY(match_one(pattern, "x"));
      }
    }
    return false;
  }

  Result<bool> match_star(std::string_view pattern, std::string_view name) {
    while (!pattern.empty() && pattern.front() == '*') pattern.remove_prefix(1);
    if (pattern.empty()) return true;
    for (size_t skip = 0; skip <= name.size(); ++skip) {
      if (TRY(match(pattern, name.substr(skip)))) return true;
    }
    return false;
  }

  // Consumes one item of the pattern: a class, an escaped or a plain character.
  Result<bool> match_one(std::string_view& pattern, std::string_view character) {
    if (pattern.front() == '[') return match_class(pattern, character);
    if (pattern.front() == '?') {
      pattern.remove_prefix(1);
      return true;
    }
    return TRY(take_literal(pattern)) == character;
  }

  Result<bool> match_class(std::string_view& pattern, std::string_view character) {
    pattern.remove_prefix(1);
    const bool negated = pattern.starts_with('^');
    if (negated) pattern.remove_prefix(1);
    bool matched = false;
    for (bool first = true;; first = false) {
      if (pattern.empty()) return malformed();
      if (pattern.front() == ']' && !first) break;
      if (pattern.front() == '-' || pattern.front() == ']') return malformed();
      const std::string_view low = TRY(take_literal(pattern));
      std::string_view high = low;
      if (pattern.starts_with('-')) {
        pattern.remove_prefix(1);
        high = TRY(take_literal(pattern));
      }
      // Code points order as their UTF-8 bytes do.
      matched = matched || (low <= character && character <= high);
    }
    pattern.remove_prefix(1);
    return matched != negated;
  }

  Result<std::string_view> take_literal(std::string_view& pattern) {
    if (pattern.starts_with('\\')) pattern.remove_prefix(1);
    if (pattern.empty()) return malformed();
    return take_character(pattern);
  }

  Error malformed() const {
    return make_error(ErrorCode::InvalidInput, "pattern \"{}\" is malformed", whole_);
  }

  std::string_view whole_;
};

}  // namespace

bool has_wildcards(std::string_view component) {
  for (size_t i = 0; i < component.size(); ++i) {
    if (component[i] == '\\') {
      ++i;
    } else if (component[i] == '*' || component[i] == '?' || component[i] == '[') {
      return true;
    }
  }
  return false;
}

Result<bool> glob_match(std::string_view pattern, std::string_view name) {
  return Matcher(pattern).match(pattern, name);
}

}  // namespace slipway::source
