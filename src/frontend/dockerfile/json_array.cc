#include "frontend/dockerfile/json_array.h"

#include <cmath>
#include <cstdlib>
#include <optional>
#include <utility>

#include "base/unicode.h"

namespace slipway::dockerfile {
namespace {

constexpr int kMaxDepth = 1000;

// Reads JSON as Go does: invalid UTF-8 and lone surrogates become U+FFFD instead of errors, which
// is where the usual C++ libraries differ.
class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : rest_(text) {}

  std::optional<JsonArray> read_array() {
    JsonArray array{JsonArray::Kind::Strings, {}};
    if (!accept('[')) return std::nullopt;
    skip_space();
    if (!accept(']')) {
      do {
        skip_space();
        std::string text;
        const bool is_string = !rest_.empty() && rest_[0] == '"';
        if (is_string ? !read_string(text) : !skip_value(0)) return std::nullopt;
        if (is_string) {
          array.strings.push_back(std::move(text));
        } else {
          array.kind = JsonArray::Kind::Mixed;
        }
        skip_space();
      } while (accept(','));
      if (!accept(']')) return std::nullopt;
    }
    skip_space();
    if (!rest_.empty()) return std::nullopt;
    return array;
  }

 private:
  void skip_space() {
    while (!rest_.empty() && std::string_view(" \t\r\n").contains(rest_[0])) rest_.remove_prefix(1);
  }

  bool accept(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool accept(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  bool skip_value(int depth) {
    if (rest_.empty() || depth > kMaxDepth) return false;
    std::string ignored;
    switch (rest_[0]) {
      case '"':
        return read_string(ignored);
      case '[':
        return skip_list(']', depth, false);
      case '{':
        return skip_list('}', depth, true);
      case 't':
        return accept("true");
      case 'f':
        return accept("false");
      case 'n':
        return accept("null");
      default:
        return skip_number();
    }
  }

  bool skip_list(char close, int depth, bool with_keys) {
    rest_.remove_prefix(1);
    skip_space();
    if (accept(close)) return true;
    do {
      skip_space();
      if (with_keys) {
        std::string key;
        if (!read_string(key)) return false;
        skip_space();
        if (!accept(':')) return false;
        skip_space();
      }
      if (!skip_value(depth + 1)) return false;
      skip_space();
    } while (accept(','));
    return accept(close);
  }

  size_t skip_digits() {
    size_t count = 0;
    while (count < rest_.size() && rest_[count] >= '0' && rest_[count] <= '9') ++count;
    rest_.remove_prefix(count);
    return count;
  }

  bool skip_number() {
    const std::string_view start = rest_;
    accept('-');
    if (!accept('0') && skip_digits() == 0) return false;
    if (accept('.') && skip_digits() == 0) return false;
    if (accept('e') || accept('E')) {
      if (!accept('+')) accept('-');
      if (skip_digits() == 0) return false;
    }
    const std::string number(start.substr(0, start.size() - rest_.size()));
    return !std::isinf(std::strtod(number.c_str(), nullptr));
  }

  bool read_string(std::string& text) {
    if (!accept('"')) return false;
    while (!rest_.empty()) {
      const auto [c, width] = decode_character(rest_);
      if (c < 0x20) return false;
      rest_.remove_prefix(width);
      if (c == '"') return true;
      if (c != '\\') {
        append_utf8(text, c);
      } else if (!read_escape(text)) {
        return false;
      }
    }
    return false;
  }

  bool read_escape(std::string& text) {
    if (rest_.empty()) return false;
    const char c = rest_[0];
    rest_.remove_prefix(1);
    constexpr std::string_view kNames = "\"\\/bfnrt";
    constexpr std::string_view kValues = "\"\\/\b\f\n\r\t";
    if (const size_t i = kNames.find(c); i != std::string_view::npos) {
      text += kValues[i];
      return true;
    }
    char32_t unit = 0;
    if (c != 'u' || !read_hex4(unit)) return false;
    if (unit >= 0xD800 && unit < 0xDC00 && rest_.starts_with("\\u")) {
      const std::string_view before = rest_;
      rest_.remove_prefix(2);
      char32_t low = 0;
      if (!read_hex4(low)) return false;
      if (low >= 0xDC00 && low < 0xE000) {
        unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
      } else {
        rest_ = before;  // a lone surrogate; what follows stands for itself
      }
    }
    append_utf8(text, unit);
    return true;
  }

  bool read_hex4(char32_t& unit) {
    if (rest_.size() < 4) return false;
    unit = 0;
    for (const char c : rest_.substr(0, 4)) {
      constexpr std::string_view kDigits = "0123456789abcdef";
      const char lower = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
      const size_t digit = kDigits.find(lower);
      if (digit == std::string_view::npos) return false;
      unit = unit << 4 | static_cast<char32_t>(digit);
    }
    rest_.remove_prefix(4);
    return true;
  }

  std::string_view rest_;
};

}  // namespace

JsonArray parse_json_array(std::string_view text) {
  return JsonReader(trim_unicode_left(text)).read_array().value_or(JsonArray{});
}

}  // namespace slipway::dockerfile
