#include "frontend/compose/interpolate.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "base/text.h"
#include "base/unicode.h"

namespace slipway::compose {
namespace {

constexpr int kMaxDepth = 100;

using Lookup = std::function<std::optional<std::string>(const std::string&)>;

bool starts_name(char c) {
  return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool continues_name(char c) {
  return starts_name(c) || (c >= '0' && c <= '9');
}

size_t name_length(std::string_view text) {
  if (text.empty() || !starts_name(text[0])) return 0;
  const auto end = std::find_if_not(text.begin(), text.end(), continues_name);
  return static_cast<size_t>(end - text.begin());
}

// Where the brace that `text` starts with is closed.
size_t closing_brace(std::string_view text) {
  int open = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '{') ++open;
    if (text[i] == '}' && --open == 0) return i;
  }
  return std::string_view::npos;
}

class Interpolator {
 public:
  explicit Interpolator(Lookup lookup) : lookup_(std::move(lookup)) {}

  Result<std::string> run(std::string_view text, int depth = 0) const {
    if (depth > kMaxDepth) return invalid(text);
    std::string result;
    for (size_t i = 0; i < text.size();) {
      if (text[i] != '$' || i + 1 == text.size()) {
        result += text[i++];
        continue;
      }
      const std::string_view rest = text.substr(i + 1);
      if (rest[0] == '$') {
        result += '$';
        i += 2;
      } else if (const size_t length = name_length(rest)) {
        result += lookup_(std::string(rest.substr(0, length))).value_or("");
        i += 1 + length;
      } else if (rest[0] == '{') {
        const size_t end = closing_brace(rest);
        if (end == std::string_view::npos) return invalid(text);
        result += TRY(braced(rest.substr(1, end - 1), text, depth));
        i += 2 + end;
      } else {
        result += text[i++];
      }
    }
    return result;
  }

 private:
  static Error invalid(std::string_view text) {
    return Error(ErrorCode::InvalidInput, "Invalid template: " + go_quote(text));
  }

  // What stands between the braces: NAME, or NAME, an operator and its operand.
  Result<std::string> braced(std::string_view body, std::string_view whole, int depth) const {
    const std::string name(body.substr(0, name_length(body)));
    if (name.empty()) return invalid(whole);
    body.remove_prefix(name.size());
    const std::optional<std::string> value = lookup_(name);
    if (body.empty()) return value.value_or("");
    const bool empty_is_unset = body.starts_with(':');
    if (empty_is_unset) body.remove_prefix(1);
    if (body.empty()) return invalid(whole);
    const bool usable = value && !(empty_is_unset && value->empty());
    const std::string_view operand = body.substr(1);
    switch (body[0]) {
      case '-':
        return usable ? Result<std::string>(*value) : run(operand, depth + 1);
      case '+':
        return usable ? run(operand, depth + 1) : Result<std::string>("");
      case '?': {
        if (usable) return *value;
        const std::string reason = TRY(run(operand, depth + 1));
        return make_error(ErrorCode::InvalidInput, "required variable {} is missing a value{}{}",
                          name, reason.empty() ? "" : ": ", reason);
      }
      default:
        return invalid(whole);
    }
  }

  Lookup lookup_;
};

Lookup lookup_in(const Environment& first, const Environment* second = nullptr) {
  return [&first, second](const std::string& name) -> std::optional<std::string> {
    if (const auto found = first.find(name); found != first.end()) return found->second;
    if (second == nullptr) return std::nullopt;
    const auto found = second->find(name);
    return found == second->end() ? std::nullopt : std::optional(found->second);
  };
}

// "\n" and its like inside double quotes; "\$" becomes "$$", which is a dollar later on.
std::string unescaped(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      result += text[i];
      continue;
    }
    constexpr std::string_view kNames = "abfnrtv\"\\";
    constexpr std::string_view kValues = "\a\b\f\n\r\t\v\"\\";
    const char c = text[++i];
    if (c == '$') {
      result += "$$";
    } else if (const size_t known = kNames.find(c); known != std::string_view::npos) {
      result += kValues[known];
    } else {
      result += '\\';
      result += c;
    }
  }
  return result;
}

class DotenvReader {
 public:
  DotenvReader(std::string_view text, const Environment& environment)
      : rest_(text), environment_(environment) {}

  Result<Environment> run() {
    for (skip_blank(); !rest_.empty(); skip_blank()) TRY(read_statement());
    Environment result = environment_;
    result.insert(values_.begin(), values_.end());  // existing names win
    return result;
  }

 private:
  template <typename... Args>
  Error error(fmt::format_string<Args...> format, Args&&... args) const {
    return make_error(ErrorCode::InvalidInput, "line {}: {}", line_,
                      fmt::format(format, std::forward<Args>(args)...));
  }

  void advance(size_t count) {
    line_ += static_cast<int>(
        std::count(rest_.begin(), rest_.begin() + static_cast<ptrdiff_t>(count), '\n'));
    rest_.remove_prefix(count);
  }

  void skip_blank() {
    for (;;) {
      advance(std::min(rest_.find_first_not_of(" \t\n\v\f\r"), rest_.size()));
      if (!rest_.starts_with('#')) return;
      advance(std::min(rest_.find('\n'), rest_.size()));
    }
  }

  Status read_statement() {
    constexpr std::string_view kBlanks = " \t\v\f\r";
    if (rest_.starts_with("export") && rest_.size() > 6 && kBlanks.contains(rest_[6])) {
      advance(6);
      advance(std::min(rest_.find_first_not_of(kBlanks), rest_.size()));
    }
    const size_t end = std::min(rest_.find_first_of("=:\n"), rest_.size());
    const std::string name(trim(rest_.substr(0, end)));
    for (const char32_t c : decode_utf8(name)) {
      const bool fits = is_unicode_letter(c) || is_unicode_digit(c) ||
                        (c < 0x80 && std::string_view("_.-[]").contains(static_cast<char>(c)));
      if (c == ' ' || c == '\t') return error("key cannot contain a space");
      if (!fits) {
        return error("unexpected character {} in variable name {}", go_quote(encode_utf8({&c, 1})),
                     go_quote(rest_.substr(0, rest_.find('\n'))));
      }
    }
    const bool inherited = end == rest_.size() || rest_[end] == '\n';
    advance(end);
    if (inherited) {
      if (const auto value = lookup_in(environment_)(name)) values_[name] = *value;
      return {};
    }
    advance(1);
    advance(std::min(rest_.find_first_not_of(kBlanks), rest_.size()));
    values_[name] = TRY(read_value());
    return {};
  }

  Result<std::string> expanded(std::string_view text) const {
    return Interpolator(lookup_in(environment_, &values_)).run(text);
  }

  Result<std::string> read_value() {
    const char quote = rest_.empty() ? 0 : rest_[0];
    if (quote != '"' && quote != '\'') {
      std::string_view value = rest_.substr(0, rest_.find('\n'));
      advance(value.size());
      value = value.substr(0, value.find(" #"));
      return expanded(value.substr(0, value.find_last_not_of(" \t\v\f\r") + 1));
    }
    std::string value;
    for (size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == quote) {
        advance(i + 1);
        return quote == '"' ? expanded(unescaped(value)) : Result<std::string>(value);
      }
      if (rest_[i] == '\\' && i + 1 < rest_.size()) {
        if (rest_[i + 1] != quote) value += '\\';
        ++i;
      }
      value += rest_[i];
    }
    return error("unterminated quoted value {}", rest_.substr(0, rest_.find('\n')));
  }

  std::string_view rest_;
  const Environment& environment_;
  Environment values_;
  int line_ = 1;
};

}  // namespace

Result<std::string> interpolate(std::string_view text, const Environment& environment) {
  return Interpolator(lookup_in(environment)).run(text);
}

Result<Environment> read_dotenv(std::string_view text, const Environment& environment) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  return DotenvReader(text, environment).run();
}

}  // namespace slipway::compose
