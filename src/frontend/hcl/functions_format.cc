// format and formatlist: Go's printf verbs over values.
#include <algorithm>
#include <optional>
#include <utility>

#include "base/unicode.h"
#include "frontend/hcl/convert.h"
#include "frontend/hcl/function_groups.h"
#include "frontend/hcl/source.h"
#include "frontend/hcl/value_json.h"

namespace slipway::hcl {
namespace {

constexpr size_t kWidest = 10'000;  // of widths and precisions

struct Verb {
  std::string_view raw;
  size_t offset = 0;
  size_t argument = 1;
  char mode = 0;
  bool zero = false;
  bool sharp = false;
  bool plus = false;
  bool minus = false;
  bool space = false;
  std::optional<size_t> width;
  std::optional<size_t> precision;
};

std::string padded(const Verb& verb, const std::string& text) {
  const size_t length = grapheme_count(text);
  if (!verb.width || length >= *verb.width) return text;
  const std::string pad(*verb.width - length, verb.zero ? '0' : ' ');
  return verb.minus ? text + pad : pad + text;
}

// As Go pads numbers: zeros go between sign and digits, and not at the right.
std::string padded_number(const Verb& verb, const std::string& sign, const std::string& digits,
                          bool zeros) {
  const size_t length = sign.size() + digits.size();
  if (!verb.width || length >= *verb.width) return sign + digits;
  const size_t missing = *verb.width - length;
  if (verb.minus) return sign + digits + std::string(missing, ' ');
  if (zeros) return sign + std::string(missing, '0') + digits;
  return std::string(missing, ' ') + sign + digits;
}

std::string sign_of(const Verb& verb, bool negative) {
  if (negative) return "-";
  if (verb.plus) return "+";
  return verb.space ? " " : "";
}

int base_of(char mode) {
  switch (mode) {
    case 'b':
      return 2;
    case 'o':
      return 8;
    case 'd':
      return 10;
    default:
      return 16;
  }
}

std::string prefix_of(const Verb& verb) {
  if (!verb.sharp) return "";
  if (verb.mode == 'o') return "0";
  if (verb.mode == 'x') return "0x";
  if (verb.mode == 'X') return "0X";
  return verb.mode == 'b' ? "0b" : "";
}

Result<std::string> integer(const Verb& verb, const Number& number) {
  if (!number.is_integer())
    return function_error("an integer is required for {}", go_quote(verb.raw));
  std::string digits = number.absolute().integer_digits(base_of(verb.mode));
  if (verb.mode == 'X') {
    std::transform(digits.begin(), digits.end(), digits.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  }
  if (verb.precision) {
    if (*verb.precision == 0 && digits == "0") digits.clear();
    if (digits.size() < *verb.precision) digits.insert(0, *verb.precision - digits.size(), '0');
  }
  const std::string sign = sign_of(verb, number.is_negative() && !number.is_zero());
  return padded_number(verb, sign + prefix_of(verb), digits, verb.zero && !verb.precision);
}

std::string floating(const Verb& verb, const Number& number) {
  // %e and %f have six digits after the point where nothing else is said, %g as many as needed.
  const bool general = verb.mode == 'g' || verb.mode == 'G';
  int precision = general ? -1 : 6;
  if (verb.precision) precision = static_cast<int>(*verb.precision);
  const std::string digits = number.absolute().format(verb.mode, precision);
  const std::string bare = digits.starts_with('+') ? digits.substr(1) : digits;
  const bool infinite = number.is_infinite();
  const std::string sign =
      infinite && !number.is_negative() ? "+" : sign_of(verb, number.is_negative());
  return padded_number(verb, sign, bare, verb.zero && !infinite);
}

Result<std::string> number_text(const Verb& verb, const Value& argument) {
  const Value number = TRY(convert(argument, Type::number()));
  switch (verb.mode) {
    case 'b':
    case 'd':
    case 'o':
    case 'x':
    case 'X':
      return integer(verb, number.as_number());
    default:
      return floating(verb, number.as_number());
  }
}

Result<std::string> plain_text(const Verb& verb, const Value& argument) {
  std::string text = TRY(convert(argument, Type::string())).text();
  if (verb.precision && *verb.precision > 0) {
    size_t size = 0;
    for (size_t i = 0; i < *verb.precision && size < text.size(); ++i) {
      size += grapheme_size(std::string_view(text).substr(size));
    }
    text.resize(size);
  }
  return padded(verb, verb.mode == 'q' ? json_quote(text) : text);
}

// %v: texts and numbers as they are, everything else (and with "#" everything) as JSON.
Result<std::string> value_text(const Verb& verb, const Value& argument) {
  if (!verb.sharp && !argument.is_null()) {
    if (argument.is(Type::Kind::String)) return padded(verb, argument.text());
    if (argument.is(Type::Kind::Number)) {
      return padded(verb, argument.as_number().format('g', -1));
    }
  }
  return padded(verb, TRY(json_encode(argument)));
}

Result<std::string> formatted(const Verb& verb, Arguments arguments) {
  if (verb.argument == 0 || verb.argument > arguments.size()) {
    return function_error("not enough arguments for {} at {}: need index {} but have {} total",
                          go_quote(verb.raw), verb.offset, verb.argument, arguments.size());
  }
  const Value& argument = arguments[verb.argument - 1];
  if (verb.mode == 'v') return value_text(verb, argument);
  if (argument.is_null())
    return function_error("null cannot be formatted by {}", go_quote(verb.raw));
  constexpr std::string_view kNumberVerbs = "bdoxXeEfgG";
  if (kNumberVerbs.contains(verb.mode)) return number_text(verb, argument);
  if (verb.mode == 's' || verb.mode == 'q') return plain_text(verb, argument);
  if (verb.mode == 't') {
    return std::string(TRY(convert(argument, Type::boolean())).truth() ? "true" : "false");
  }
  return function_error("unsupported format verb '{}' in {} at offset {}", verb.mode,
                        go_quote(verb.raw), verb.offset);
}

class Formatter {
 public:
  Formatter(std::string_view format, Arguments arguments)
      : format_(format), arguments_(arguments) {}

  Result<std::string> run() {
    while (at_ < format_.size()) {
      if (format_[at_] != '%') {
        result_ += format_[at_++];
      } else if (format_.substr(at_).starts_with("%%")) {
        result_ += '%';
        at_ += 2;
      } else {
        TRY(verb());
      }
      if (result_.size() > kLargestText) return function_error("the result is too large");
    }
    return std::move(result_);
  }

 private:
  bool at_end() const { return at_ == format_.size(); }
  char here() const { return at_end() ? '\0' : format_[at_]; }
  bool at_digit() const { return here() >= '0' && here() <= '9'; }

  Result<size_t> number() {
    size_t value = 0;
    while (at_digit()) {
      value = value * 10 + static_cast<size_t>(format_[at_++] - '0');
      if (value > kWidest) return function_error("a number in the format is too large");
    }
    return value;
  }

  void flags(Verb& verb) {
    for (; !at_end(); ++at_) {
      switch (here()) {
        case '0':
          verb.zero = true;
          continue;
        case '#':
          verb.sharp = true;
          continue;
        case '-':
          verb.minus = true;
          continue;
        case '+':
          verb.plus = true;
          continue;
        case ' ':
          verb.space = true;
          continue;
        default:
          return;
      }
    }
  }

  Status verb() {
    Verb verb;
    verb.offset = at_++;
    verb.argument = next_argument_;
    flags(verb);
    if (at_digit()) verb.width = TRY(number());
    if (here() == '.') {
      ++at_;
      verb.precision = TRY(number());
    }
    if (here() == '[') {
      ++at_;
      if (!at_digit() || here() == '0') return unexpected();
      verb.argument = TRY(number());
      if (here() != ']') return unexpected();
      ++at_;
    }
    const bool letter = (here() >= 'a' && here() <= 'z') || (here() >= 'A' && here() <= 'Z');
    if (!letter) return unexpected();
    verb.mode = format_[at_++];
    verb.raw = format_.substr(verb.offset, at_ - verb.offset);
    highest_ = std::max(highest_, verb.argument);
    result_ += TRY(formatted(verb, arguments_));
    next_argument_ = verb.argument + 1;
    return {};
  }

  Error unexpected() const {
    if (at_end()) return function_error("the format ends within a verb");
    const size_t width = decode_character(format_.substr(at_)).width;
    return function_error("unrecognized format character '{}' at offset {}",
                          format_.substr(at_, width), at_);
  }

 public:
  size_t highest_argument() const { return highest_; }

 private:
  std::string_view format_;
  Arguments arguments_;
  size_t at_ = 0;
  size_t next_argument_ = 1;
  size_t highest_ = 0;
  std::string result_;
};

Result<std::string> format_text(const std::string& format, Arguments arguments) {
  Formatter formatter(format, arguments);
  std::string text = TRY(formatter.run());
  if (arguments.size() > formatter.highest_argument()) {
    return function_error("too many arguments; only {} used by format string",
                          formatter.highest_argument());
  }
  return text;
}

// Lists go in step; everything else is the same for every element.
Result<Value> format_list(Arguments arguments) {
  const std::string& format = arguments[0].text();
  arguments = arguments.subspan(1);
  std::optional<size_t> length;
  for (const Value& argument : arguments) {
    if (argument.is_null() || !argument.is_sequence()) continue;
    if (length && *length != argument.length()) {
      return function_error("the lists have different lengths, {} and {}", *length,
                            argument.length());
    }
    length = argument.length();
  }
  std::vector<Value> texts;
  for (size_t i = 0; i < length.value_or(1); ++i) {
    std::vector<Value> turn;
    for (const Value& argument : arguments) {
      const bool is_list = !argument.is_null() && argument.is_sequence();
      turn.push_back(is_list ? argument.elements()[i] : argument);
    }
    texts.push_back(Value::string(TRY(format_text(format, turn))));
  }
  return Value::list(Type::string(), std::move(texts));
}

}  // namespace

void add_format_functions(Functions& functions) {
  const Parameter rest{"args", Type::any(), true};
  add_variadic(functions, "format", {text_parameter("format")}, rest,
               [](Arguments arguments) -> Result<Value> {
                 return Value::string(TRY(format_text(arguments[0].text(), arguments.subspan(1))));
               });
  add_variadic(functions, "formatlist", {text_parameter("format")}, rest, format_list);
}

}  // namespace slipway::hcl
