#include "oci/rfc3339.h"

#include <chrono>
#include <optional>

#include <fmt/format.h>

namespace slipway {
namespace {

constexpr int64_t kSecond = 1'000'000;  // microseconds

struct Parts {
  std::string_view date_time;  // 19 characters
  std::string_view fraction;   // digits only
  std::string_view offset;     // "Z" or "+hh:mm"
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  int offset_seconds = 0;
};

class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  std::optional<int> digits(size_t count) {
    if (text_.size() - at_ < count) return std::nullopt;
    int value = 0;
    for (size_t i = 0; i < count; ++i, ++at_) {
      if (text_[at_] < '0' || text_[at_] > '9') return std::nullopt;
      value = value * 10 + (text_[at_] - '0');
    }
    return value;
  }
  bool literal(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  std::string_view all_digits() {
    const size_t start = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
    return text_.substr(start, at_ - start);
  }
  size_t position() const { return at_; }
  bool at_end() const { return at_ == text_.size(); }

 private:
  std::string_view text_;
  size_t at_ = 0;
};

bool parse_offset(Cursor& cursor, Parts& parts) {
  if (cursor.literal('Z')) return true;
  const bool negative = cursor.literal('-');
  if (!negative && !cursor.literal('+')) return false;
  const std::optional<int> hours = cursor.digits(2);
  if (!hours || !cursor.literal(':')) return false;
  const std::optional<int> minutes = cursor.digits(2);
  if (!minutes || *hours > 23 || *minutes > 59) return false;
  parts.offset_seconds = (negative ? -1 : 1) * (*hours * 3600 + *minutes * 60);
  return true;
}

std::optional<Parts> parse_parts(std::string_view text) {
  Parts parts;
  Cursor cursor(text);
  const auto number = [&](int& value, size_t digits) {
    const std::optional<int> read = cursor.digits(digits);
    value = read.value_or(0);
    return read.has_value();
  };
  const bool read = number(parts.year, 4) && cursor.literal('-') && number(parts.month, 2) &&
                    cursor.literal('-') && number(parts.day, 2) && cursor.literal('T') &&
                    number(parts.hour, 2) && cursor.literal(':') && number(parts.minute, 2) &&
                    cursor.literal(':') && number(parts.second, 2);
  if (!read || parts.hour > 23 || parts.minute > 59 || parts.second > 59) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(parts.year),
                                         std::chrono::month(static_cast<unsigned>(parts.month)),
                                         std::chrono::day(static_cast<unsigned>(parts.day)));
  if (!date.ok()) return std::nullopt;
  parts.date_time = text.substr(0, cursor.position());
  if (cursor.literal('.')) {
    parts.fraction = cursor.all_digits();
    if (parts.fraction.empty()) return std::nullopt;
  }
  const size_t offset_start = cursor.position();
  if (!parse_offset(cursor, parts) || !cursor.at_end()) return std::nullopt;
  parts.offset = text.substr(offset_start);
  return parts;
}

int64_t seconds_of(const Parts& parts) {
  using namespace std::chrono;
  const sys_days days = year_month_day(year(parts.year), month(static_cast<unsigned>(parts.month)),
                                       day(static_cast<unsigned>(parts.day)));
  return int64_t{days.time_since_epoch().count()} * 86400 + parts.hour * 3600 + parts.minute * 60 +
         parts.second - parts.offset_seconds;
}

Error not_a_time(std::string_view text) {
  return make_error(ErrorCode::InvalidInput, "\"{}\" is no RFC 3339 time", text.substr(0, 80));
}

}  // namespace

Result<std::string> canonical_rfc3339(std::string_view text) {
  const std::optional<Parts> parts = parse_parts(text);
  if (!parts) return not_a_time(text);
  std::string_view fraction = parts->fraction.substr(0, 9);
  while (fraction.ends_with('0')) fraction.remove_suffix(1);
  std::string result(parts->date_time);
  if (!fraction.empty()) result.append(".").append(fraction);
  return result.append(parts->offset_seconds == 0 ? "Z" : parts->offset);
}

std::string format_rfc3339(int64_t seconds, int64_t nanoseconds) {
  using namespace std::chrono;
  const sys_seconds time{std::chrono::seconds(seconds)};
  const sys_days days = floor<std::chrono::days>(time);
  const year_month_day date(days);
  const hh_mm_ss clock(time - days);
  std::string fraction;
  if (nanoseconds != 0) {
    fraction = fmt::format(".{:09}", nanoseconds);
    while (fraction.ends_with('0')) fraction.pop_back();
  }
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     fraction);
}

std::string format_rfc3339_microseconds(int64_t microseconds) {
  return format_rfc3339(microseconds / kSecond, microseconds % kSecond * 1000);
}

Result<int64_t> rfc3339_seconds(std::string_view text) {
  const std::optional<Parts> parts = parse_parts(text);
  if (!parts) return not_a_time(text);
  return seconds_of(*parts);
}

Result<int64_t> rfc3339_microseconds(std::string_view text) {
  const std::optional<Parts> parts = parse_parts(text);
  if (!parts) return not_a_time(text);
  int64_t fraction = 0;
  for (size_t i = 0; i < 6; ++i) {
    fraction = fraction * 10 + (i < parts->fraction.size() ? parts->fraction[i] - '0' : 0);
  }
  return seconds_of(*parts) * kSecond + fraction;
}

bool rfc3339_before(std::string_view time, std::string_view other) {
  const Result<int64_t> first = rfc3339_microseconds(time);
  const Result<int64_t> second = rfc3339_microseconds(other);
  return second && (!first || *first < *second);
}

}  // namespace slipway
