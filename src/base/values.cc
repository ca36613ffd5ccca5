#include "base/values.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "base/text.h"
#include "base/unicode.h"

namespace slipway {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

struct Unit {
  std::string_view name;
  uint64_t nanoseconds;
};
constexpr Unit kUnits[] = {
    {"ns", 1},         {"us", 1'000},        {"\u00b5s", 1'000},    {"\u03bcs", 1'000},
    {"ms", 1'000'000}, {"s", 1'000'000'000}, {"m", 60'000'000'000}, {"h", 3'600'000'000'000},
};
constexpr uint64_t kMaxDuration = uint64_t{1} << 63;  // its negative still is an int64_t

// Takes "12.5ms" off the text and adds it; an error text, or none.
std::optional<std::string> take_duration_part(std::string_view& text, uint64_t& total,
                                              std::string_view whole) {
  const auto invalid = [&] { return "time: invalid duration " + go_quote(whole); };
  uint64_t integer = 0;
  size_t i = 0;
  for (; i < text.size() && is_digit(text[i]); ++i) {
    if (integer > kMaxDuration / 10) return invalid();
    integer = integer * 10 + static_cast<uint64_t>(text[i] - '0');
    if (integer > kMaxDuration) return invalid();
  }
  bool has_digits = i > 0;
  double fraction = 0;
  if (i < text.size() && text[i] == '.') {
    double scale = 1;
    for (++i; i < text.size() && is_digit(text[i]); ++i) {
      scale /= 10;
      fraction += scale * (text[i] - '0');
      has_digits = true;
    }
  }
  if (!has_digits) return invalid();
  text.remove_prefix(i);
  size_t end = 0;
  while (end < text.size() && text[end] != '.' && !is_digit(text[end])) ++end;
  if (end == 0) return "time: missing unit in duration " + go_quote(whole);
  const std::string_view name = text.substr(0, end);
  text.remove_prefix(end);
  for (const Unit& unit : kUnits) {
    if (unit.name != name) continue;
    if (integer > kMaxDuration / unit.nanoseconds) return invalid();
    const auto rest = static_cast<uint64_t>(fraction * static_cast<double>(unit.nanoseconds));
    total += integer * unit.nanoseconds + rest;
    if (total > kMaxDuration) return invalid();
    return std::nullopt;
  }
  return "time: unknown unit " + go_quote(name) + " in duration " + go_quote(whole);
}

Error invalid_size(std::string_view text) {
  return make_error(ErrorCode::InvalidInput, "invalid size: '{}'", text);
}

// The factor of "k", "KB", "kib", "b"...; nothing for anything else.
std::optional<double> size_factor(std::string_view suffix) {
  if (suffix.empty() || suffix == "b") return 1;
  const std::string_view rest = suffix.substr(1);
  if (!rest.empty() && rest != "b" && rest != "ib") return std::nullopt;
  const size_t power = std::string_view("kmgtp").find(suffix[0]);
  if (power == std::string_view::npos) return std::nullopt;
  return std::pow(1024.0, static_cast<double>(power + 1));
}

Error csv_error(size_t position, std::string_view what) {
  return make_error(ErrorCode::InvalidInput, "parse error on line 1, column {}: {}", position + 1,
                    what);
}

constexpr std::string_view kBareQuote = "bare \" in non-quoted field";
constexpr std::string_view kExtraQuote = "extraneous or missing \" in quoted-field";

}  // namespace

Result<bool> parse_bool(std::string_view text) {
  for (const std::string_view yes : {"1", "t", "T", "true", "TRUE", "True"}) {
    if (text == yes) return true;
  }
  for (const std::string_view no : {"0", "f", "F", "false", "FALSE", "False"}) {
    if (text == no) return false;
  }
  return Error(ErrorCode::InvalidInput,
               "strconv.ParseBool: parsing " + go_quote(text) + ": invalid syntax");
}

Result<int64_t> parse_duration(std::string_view text) {
  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  if (rest == "0") return int64_t{0};
  uint64_t total = 0;
  do {
    // An empty text lacks its digits.
    if (auto error = take_duration_part(rest, total, text)) {
      return Error(ErrorCode::InvalidInput, *std::move(error));
    }
  } while (!rest.empty());
  if (negative) return static_cast<int64_t>(-total);
  if (total == kMaxDuration) {
    return Error(ErrorCode::InvalidInput, "time: invalid duration " + go_quote(text));
  }
  return static_cast<int64_t>(total);
}

Result<int64_t> parse_size(std::string_view text) {
  const size_t last = text.find_last_of("0123456789. ");
  if (last == std::string_view::npos) return invalid_size(text);
  const std::string_view number = text.substr(0, text[last] == ' ' ? last : last + 1);
  const std::string suffix = to_lower(text.substr(last + 1));
  double value = 0;
  std::string digits;  // Go lets "_" separate them
  for (size_t i = number.starts_with('+') ? 1 : 0; i < number.size(); ++i) {
    const bool separates = number[i] == '_' && i > 0 && is_digit(number[i - 1]) &&
                           i + 1 < number.size() && is_digit(number[i + 1]);
    if (!separates) digits += number[i];
  }
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (read.ec != std::errc() || read.ptr != digits.data() + digits.size()) {
    const bool range = read.ec == std::errc::result_out_of_range;
    return Error(ErrorCode::InvalidInput,
                 "strconv.ParseFloat: parsing " + go_quote(number) +
                     (range ? ": value out of range" : ": invalid syntax"));
  }
  if (value < 0 || std::isnan(value)) return invalid_size(text);
  const auto factor = suffix.size() > 3 ? std::nullopt : size_factor(suffix);
  if (!factor) return make_error(ErrorCode::InvalidInput, "invalid suffix: '{}'", suffix);
  const double bytes = value * *factor;
  constexpr double kTooMuch = 9223372036854775808.0;
  if (bytes >= kTooMuch) return invalid_size(text);
  return static_cast<int64_t>(bytes);
}

Result<std::vector<std::string>> parse_csv_line(std::string_view line) {
  if (line.ends_with('\n')) {
    line.remove_suffix(1);
    if (line.ends_with('\r')) line.remove_suffix(1);
  }
  if (line.empty()) return Error(ErrorCode::InvalidInput, "EOF");
  std::vector<std::string> fields;
  size_t i = 0;
  for (;;) {
    if (i == line.size() || line[i] != '"') {
      const size_t end = std::min(line.find(',', i), line.size());
      const std::string_view field = line.substr(i, end - i);
      if (const size_t quote = field.find('"'); quote != std::string_view::npos) {
        return csv_error(i + quote, kBareQuote);
      }
      fields.emplace_back(field);
      if (end == line.size()) return fields;
      i = end + 1;
      continue;
    }
    std::string field;
    for (++i;;) {
      const size_t quote = line.find('"', i);
      if (quote == std::string_view::npos) return csv_error(i, kExtraQuote);
      field += line.substr(i, quote - i);
      i = quote + 1;
      if (i < line.size() && line[i] == '"') {
        field += '"';
        ++i;
      } else {
        break;
      }
    }
    fields.push_back(std::move(field));
    if (i == line.size()) return fields;
    if (line[i] != ',') return csv_error(i - 1, kExtraQuote);
    ++i;
  }
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  const std::string match = nearest(word, candidates);
  return match.empty() || match == word ? "" : " (did you mean " + match + "?)";
}

}  // namespace slipway
