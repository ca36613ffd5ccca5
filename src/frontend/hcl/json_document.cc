#include "frontend/hcl/json_document.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/unicode.h"
#include "base/values.h"
#include "frontend/hcl/parser.h"

namespace slipway::hcl {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

size_t digits_at(std::string_view text, size_t index) {
  size_t end = index;
  while (end < text.size() && is_digit(text[end])) ++end;
  return end - index;
}

// JSON's grammar of numbers; 0: the text does not begin with one.
size_t number_size(std::string_view text) {
  size_t size = text.starts_with('-') ? 1 : 0;
  const size_t whole = digits_at(text, size);
  if (whole == 0 || (whole > 1 && text[size] == '0')) return 0;
  size += whole;
  if (size < text.size() && text[size] == '.') {
    const size_t fraction = digits_at(text, size + 1);
    if (fraction == 0) return 0;
    size += 1 + fraction;
  }
  if (size < text.size() && (text[size] == 'e' || text[size] == 'E')) {
    size_t digits = size + 1;
    if (digits < text.size() && (text[digits] == '+' || text[digits] == '-')) ++digits;
    if (digits_at(text, digits) == 0) return 0;
    size = digits + digits_at(text, digits);
  }
  return size;
}

class Parser {
 public:
  Parser(std::string_view text, std::shared_ptr<const std::string> file)
      : rest_(text), file_(std::move(file)) {}

  Result<JsonNode> document() {
    JsonNode node = TRY(value(0));
    skip_space();
    if (!rest_.empty()) return error("nothing may follow the value");
    return node;
  }

 private:
  Range here(size_t size) const {
    Range range{file_, position_, position_};
    advance(range.end, rest_.substr(0, size));
    return range;
  }
  Error error(std::string_view message) const {
    return error_at(here(std::min<size_t>(rest_.size(), 1)), message);
  }

  Range take(size_t size) {
    const Range range = here(size);
    position_ = range.end;
    rest_.remove_prefix(size);
    return range;
  }

  void skip_space() {
    const size_t size = std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size());
    take(size);
  }

  Result<JsonNode> value(int depth) {
    if (depth > kDeepest) return error("values are nested too deep");
    skip_space();
    if (rest_.empty()) return error("the file ends where a value is expected");
    if (rest_[0] == '{') return object(depth);
    if (rest_[0] == '[') return array(depth);
    if (rest_[0] == '"') return string();
    return scalar();
  }

  Result<JsonNode> scalar() {
    JsonNode node;
    if (const size_t size = number_size(rest_)) {
      node.kind = JsonNode::Kind::Number;
      node.text = rest_.substr(0, size);
      node.range = node.open_range = take(size);
      return node;
    }
    const auto end = std::find_if(rest_.begin(), rest_.end(), [](char c) {
      return c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z');
    });
    const std::string word(rest_.begin(), end);
    if (word == "true" || word == "false") {
      node.kind = JsonNode::Kind::Bool;
      node.truth = word == "true";
    } else if (word != "null") {
      if (word.empty()) return error("a value is expected here");
      return error_at(here(word.size()), "{} is not a value of JSON{}", go_quote(word),
                      did_you_mean(word, {"true", "false", "null"}));
    }
    node.range = node.open_range = take(word.size());
    return node;
  }

  Result<JsonNode> string() {
    size_t end = 1;
    while (end < rest_.size() && rest_[end] != '"') {
      if (static_cast<unsigned char>(rest_[end]) < 0x20) {
        return error("a string ends on its line, and control characters in it are escaped");
      }
      end += rest_[end] == '\\' ? 2 : 1;
    }
    if (end >= rest_.size()) return error("the string has no end");
    const std::string_view quoted = rest_.substr(1, end - 1);
    JsonNode node;
    node.kind = JsonNode::Kind::String;
    std::optional<std::string> text = decoded(quoted);
    if (!text) return error_at(here(end + 1), "the string has an escape sequence that JSON lacks");
    node.text = std::move(*text);
    node.range = node.open_range = take(end + 1);
    return node;
  }

  static std::optional<char32_t> hex4(std::string_view text) {
    if (text.size() < 4) return std::nullopt;
    const std::string digits(text.substr(0, 4));
    if (digits.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos) {
      return std::nullopt;
    }
    return static_cast<char32_t>(std::stoul(digits, nullptr, 16));
  }

  // Halves of a pair that stand alone and bytes that are not UTF-8 become U+FFFD.
  static std::optional<std::string> decoded(std::string_view quoted) {
    std::string text;
    while (!quoted.empty()) {
      if (quoted[0] != '\\') {
        const DecodedCharacter character = decode_character(quoted);
        append_utf8(text, character.code_point);
        quoted.remove_prefix(character.width);
        continue;
      }
      constexpr std::string_view kNames = "\"\\/bfnrt";
      constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
      if (const size_t simple = kNames.find(quoted[1]); simple != std::string_view::npos) {
        text += kMeanings[simple];
        quoted.remove_prefix(2);
        continue;
      }
      std::optional<char32_t> unit = quoted[1] == 'u' ? hex4(quoted.substr(2)) : std::nullopt;
      if (!unit) return std::nullopt;
      quoted.remove_prefix(6);
      if (*unit >= 0xD800 && *unit < 0xDC00 && quoted.starts_with("\\u")) {
        const std::optional<char32_t> low = hex4(quoted.substr(2));
        if (low && *low >= 0xDC00 && *low < 0xE000) {
          unit = 0x10000 + ((*unit - 0xD800) << 10) + (*low - 0xDC00);
          quoted.remove_prefix(6);
        }
      }
      const bool half = *unit >= 0xD800 && *unit < 0xE000;
      append_utf8(text, half ? kReplacementCharacter : *unit);
    }
    return text;
  }

  Result<JsonNode> array(int depth) {
    JsonNode node;
    node.kind = JsonNode::Kind::Array;
    node.open_range = take(1);
    skip_space();
    if (!rest_.starts_with(']')) {
      for (;;) {
        JsonNode item = TRY(value(depth + 1));
        node.items.push_back(std::move(item));
        skip_space();
        if (!rest_.starts_with(',')) break;
        take(1);
      }
    }
    if (!rest_.starts_with(']')) return error("\",\" or \"]\" is expected in the array");
    node.range = range_between(node.open_range, take(1));
    return node;
  }

  Result<JsonNode> object(int depth) {
    JsonNode node;
    node.kind = JsonNode::Kind::Object;
    node.open_range = take(1);
    skip_space();
    if (!rest_.starts_with('}')) {
      for (;;) {
        TRY(member(node, depth));
        skip_space();
        if (!rest_.starts_with(',')) break;
        take(1);
      }
    }
    if (!rest_.starts_with('}')) return error("\",\" or \"}\" is expected in the object");
    node.range = range_between(node.open_range, take(1));
    return node;
  }

  Status member(JsonNode& node, int depth) {
    skip_space();
    if (!rest_.starts_with('"')) return error("the name of a member is expected, in quotes");
    JsonNode name = TRY(string());
    skip_space();
    if (!rest_.starts_with(':')) return error("\":\" is expected after the name of a member");
    take(1);
    JsonNode content = TRY(value(depth + 1));
    node.members.push_back({std::move(name.text), name.range, std::move(content)});
    return {};
  }

  std::string_view rest_;
  std::shared_ptr<const std::string> file_;
  Position position_;
};

}  // namespace

Result<JsonNode> parse_json(std::string_view text, std::shared_ptr<const std::string> file) {
  return Parser(text, std::move(file)).document();
}

}  // namespace slipway::hcl
