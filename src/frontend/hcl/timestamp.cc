#include "frontend/hcl/timestamp.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include <fmt/format.h>

namespace slipway::hcl {
namespace {

using std::chrono::days;
using std::chrono::sys_days;

constexpr int kDaySeconds = 86'400;

// Reads fixed-width fields from the front of a text.
class Fields {
 public:
  explicit Fields(std::string_view text) : rest_(text) {}

  std::optional<int> number(size_t width, int least, int most) {
    if (rest_.size() < width) return std::nullopt;
    int value = 0;
    for (const char c : rest_.substr(0, width)) {
      if (c < '0' || c > '9') return std::nullopt;
      value = value * 10 + (c - '0');
    }
    if (value < least || value > most) return std::nullopt;
    rest_.remove_prefix(width);
    return value;
  }

  bool skip(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  // ".5": nanoseconds. Digits beyond the ninth do not count.
  int fraction() {
    if (rest_.size() < 2 || rest_[0] != '.' || rest_[1] < '0' || rest_[1] > '9') return 0;
    rest_.remove_prefix(1);
    int value = 0;
    int digits = 0;
    while (!rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9') {
      if (digits < 9) {
        value = value * 10 + (rest_[0] - '0');
        ++digits;
      }
      rest_.remove_prefix(1);
    }
    for (; digits < 9; ++digits) value *= 10;
    return value;
  }

  // "Z" or "+02:00", and nothing after it.
  std::optional<int> offset() {
    if (rest_ == "Z") return 0;
    const bool west = rest_.starts_with('-');
    if (!skip('+') && !skip('-')) return std::nullopt;
    const std::optional<int> hours = number(2, 0, 23);
    if (!hours || !skip(':')) return std::nullopt;
    const std::optional<int> minutes = number(2, 0, 59);
    if (!minutes || !rest_.empty()) return std::nullopt;
    const int seconds = (*hours * 60 + *minutes) * 60;
    return west ? -seconds : seconds;
  }

 private:
  std::string_view rest_;
};

void set_iso_week(CivilTime& time) {
  // The week belongs to the year that its Thursday is in.
  const sys_days date = std::chrono::year(time.year) / time.month / time.day;
  const int monday_based = (time.weekday + 6) % 7;
  const sys_days thursday = date + days(3 - monday_based);
  const std::chrono::year year = std::chrono::year_month_day(thursday).year();
  const sys_days first = year / 1 / 1;
  time.iso_year = static_cast<int>(year);
  time.iso_week = static_cast<int>((thursday - first).count() / 7) + 1;
}

}  // namespace

std::optional<Timestamp> parse_timestamp(std::string_view text) {
  Fields fields(text);
  const auto year = fields.number(4, 0, 9999);
  if (!year || !fields.skip('-')) return std::nullopt;
  const auto month = fields.number(2, 1, 12);
  if (!month || !fields.skip('-')) return std::nullopt;
  const auto day = fields.number(2, 1, 31);
  if (!day || !fields.skip('T')) return std::nullopt;
  const auto date = std::chrono::year(*year) / *month / *day;
  if (!date.ok()) return std::nullopt;
  const auto hour = fields.number(2, 0, 23);
  if (!hour || !fields.skip(':')) return std::nullopt;
  const auto minute = fields.number(2, 0, 59);
  if (!minute || !fields.skip(':')) return std::nullopt;
  const auto second = fields.number(2, 0, 59);
  if (!second) return std::nullopt;
  Timestamp timestamp;
  timestamp.nanoseconds = fields.fraction();
  const auto offset = fields.offset();
  if (!offset) return std::nullopt;
  timestamp.offset = *offset;
  timestamp.seconds = int64_t{sys_days(date).time_since_epoch().count()} * kDaySeconds +
                      *hour * 3600 + *minute * 60 + *second - *offset;
  return timestamp;
}

CivilTime civil_time(const Timestamp& timestamp) {
  const int64_t local = timestamp.seconds + timestamp.offset;
  int64_t day = local / kDaySeconds;
  if (local % kDaySeconds < 0) --day;
  const auto of_day = static_cast<int>(local - day * kDaySeconds);
  const sys_days date{days(day)};
  const std::chrono::year_month_day parts(date);
  CivilTime time;
  time.year = static_cast<int>(parts.year());
  time.month = static_cast<int>(static_cast<unsigned>(parts.month()));
  time.day = static_cast<int>(static_cast<unsigned>(parts.day()));
  time.hour = of_day / 3600;
  time.minute = of_day / 60 % 60;
  time.second = of_day % 60;
  time.weekday = static_cast<int>(std::chrono::weekday(date).c_encoding());
  time.year_day = static_cast<int>((date - sys_days(parts.year() / 1 / 1)).count()) + 1;
  set_iso_week(time);
  return time;
}

std::string offset_text(const Timestamp& timestamp, std::string_view colon) {
  const int minutes = std::abs(timestamp.offset) / 60;
  return fmt::format("{}{:02}{}{:02}", timestamp.offset < 0 ? '-' : '+', minutes / 60, colon,
                     minutes % 60);
}

std::string to_string(const Timestamp& timestamp) {
  const CivilTime time = civil_time(timestamp);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}", time.year, time.month, time.day,
                     time.hour, time.minute, time.second,
                     timestamp.offset == 0 ? "Z" : offset_text(timestamp, ":"));
}

std::string_view month_name(int month) {
  constexpr std::string_view kNames[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
  return kNames[month - 1];
}

std::string_view weekday_name(int weekday) {
  constexpr std::string_view kNames[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                         "Thursday", "Friday", "Saturday"};
  return kNames[weekday];
}

}  // namespace slipway::hcl
