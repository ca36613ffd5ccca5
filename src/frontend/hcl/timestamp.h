// Points in time as RFC 3339 writes them: 2024-05-01T10:00:00Z, 2024-05-01T12:00:00+02:00.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::hcl {

struct Timestamp {
  int64_t seconds = 0;  // since 1970, UTC
  int nanoseconds = 0;
  int offset = 0;  // of the local time it is written in, in seconds east of Greenwich
};

// The date and the time of day there, and what follows from them.
struct CivilTime {
  int year = 1970;
  int month = 1;
  int day = 1;
  int hour = 0;
  int minute = 0;
  int second = 0;
  int weekday = 4;   // 0: Sunday
  int year_day = 1;  // 1: 1 January
  int iso_year = 1970;
  int iso_week = 1;
};

std::optional<Timestamp> parse_timestamp(std::string_view text);
CivilTime civil_time(const Timestamp& timestamp);
std::string to_string(const Timestamp& timestamp);
// "+02:00", or with an empty `colon` "+0200".
std::string offset_text(const Timestamp& timestamp, std::string_view colon);

std::string_view month_name(int month);
std::string_view weekday_name(int weekday);

}  // namespace slipway::hcl
