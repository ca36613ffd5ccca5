// Timestamps.
#include <utility>

#include <fmt/format.h>

#include "base/values.h"
#include "frontend/hcl/function_groups.h"
#include "frontend/hcl/timestamp.h"

namespace slipway::hcl {
namespace {

constexpr int64_t kNanoseconds = 1'000'000'000;
constexpr int64_t kFarthest = 200'000'000'000;  // seconds: some 6,000 years

Result<Timestamp> timestamp_of(const Value& value) {
  const std::optional<Timestamp> timestamp = parse_timestamp(value.text());
  if (!timestamp) return function_error("not a valid RFC3339 timestamp: {}", value.text());
  return *timestamp;
}

Result<Timestamp> unix_timestamp(const Value& value) {
  const std::optional<int64_t> seconds = value.as_number().to_int64();
  if (!seconds) return function_error("unix timestamp must be an integer");
  if (*seconds > kFarthest || *seconds < -kFarthest) {
    return function_error("the timestamp is out of range");
  }
  return Timestamp{*seconds, 0, 0};
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// One or two digits, as the verb has letters.
Result<std::string> digits(std::string_view verb, int value) {
  if (verb.size() == 1) return fmt::format("{}", value);
  if (verb.size() == 2) return fmt::format("{:02}", value);
  return function_error("invalid date format verb \"{}\"", verb);
}

Result<std::string> name(std::string_view verb, std::string_view full) {
  if (verb.size() == 3) return std::string(full.substr(0, 3));
  if (verb.size() == 4) return std::string(full);
  return function_error("invalid date format verb \"{}\"", verb);
}

Result<std::string> zone(std::string_view verb, const Timestamp& timestamp) {
  const bool utc = timestamp.offset == 0;
  if (verb.size() == 1) return utc ? "Z" : offset_text(timestamp, ":");
  if (verb.size() == 3) return utc ? "UTC" : offset_text(timestamp, "");
  if (verb.size() == 4) return offset_text(timestamp, "");
  if (verb.size() == 5) return offset_text(timestamp, ":");
  return function_error("invalid date format verb \"{}\"", verb);
}

Result<std::string> part(std::string_view verb, const Timestamp& timestamp) {
  const CivilTime time = civil_time(timestamp);
  switch (verb[0]) {
    case 'Y':
      if (verb.size() == 2) return fmt::format("{:02}", time.year % 100);
      if (verb.size() == 4) return fmt::format("{:04}", time.year);
      break;
    case 'M':
      return verb.size() < 3 ? digits(verb, time.month) : name(verb, month_name(time.month));
    case 'D':
      return digits(verb, time.day);
    case 'E':
      return name(verb, weekday_name(time.weekday));
    case 'h':
      return digits(verb, time.hour);
    case 'H':
      return digits(verb, time.hour % 12 == 0 ? 12 : time.hour % 12);
    case 'A':
      if (verb.size() == 2) return std::string(time.hour < 12 ? "AM" : "PM");
      break;
    case 'a':
      if (verb.size() == 2) return std::string(time.hour < 12 ? "am" : "pm");
      break;
    case 'm':
      return digits(verb, time.minute);
    case 's':
      return digits(verb, time.second);
    case 'Z':
      return zone(verb, timestamp);
    default:
      break;
  }
  return function_error("invalid date format verb \"{}\"", verb);
}

// 'text in quotes', a quote in it doubled; moves `format` behind it.
Result<std::string> quoted(std::string_view& format) {
  std::string text;
  size_t i = 1;
  for (; i < format.size(); ++i) {
    if (format[i] != '\'') {
      text += format[i];
    } else if (format.substr(i).starts_with("''") && i > 1) {
      text += format[i++];
    } else {
      break;
    }
  }
  if (i >= format.size()) return function_error("unterminated literal '");
  if (i == 1) text = "'";
  format.remove_prefix(i + 1);
  return text;
}

Result<std::string> format_time(std::string_view format, const Timestamp& timestamp) {
  std::string text;
  while (!format.empty()) {
    if (format[0] == '\'') {
      text += TRY(quoted(format));
    } else if (is_letter(format[0])) {
      const size_t size = std::min(format.find_first_not_of(format[0]), format.size());
      text += TRY(part(format.substr(0, size), timestamp));
      format.remove_prefix(size);
    } else {
      text += format[0];
      format.remove_prefix(1);
    }
  }
  return text;
}

Result<Value> format_date(Arguments arguments) {
  const Timestamp timestamp = TRY(timestamp_of(arguments[1]));
  return Value::string(TRY(format_time(arguments[0].text(), timestamp)));
}

// The time as RFC 3339 or as seconds; "X" alone prints the seconds.
Result<Value> format_timestamp(Arguments arguments) {
  const bool is_number = arguments[1].is(Type::Kind::Number);
  if (!is_number && !arguments[1].is(Type::Kind::String)) {
    return function_error("must be a string timestamp or a unix timestamp number");
  }
  const Timestamp timestamp =
      TRY(is_number ? unix_timestamp(arguments[1]) : timestamp_of(arguments[1]));
  if (arguments[0].text() == "X") return Value::string(std::to_string(timestamp.seconds));
  return Value::string(TRY(format_time(arguments[0].text(), timestamp)));
}

Result<Value> add_time(Arguments arguments) {
  Timestamp timestamp = TRY(timestamp_of(arguments[0]));
  const int64_t duration = TRY(parse_duration(arguments[1].text()));
  timestamp.seconds += duration / kNanoseconds;
  int64_t nanoseconds = timestamp.nanoseconds + duration % kNanoseconds;
  if (nanoseconds < 0) --timestamp.seconds;
  if (nanoseconds >= kNanoseconds) ++timestamp.seconds;
  nanoseconds = (nanoseconds + kNanoseconds) % kNanoseconds;
  timestamp.nanoseconds = static_cast<int>(nanoseconds);
  return Value::string(to_string(timestamp));
}

Result<Value> parse_unix_timestamp(Arguments arguments) {
  const Timestamp timestamp = TRY(unix_timestamp(arguments[0]));
  const CivilTime time = civil_time(timestamp);
  const auto number = [](int value) { return Value::number(int64_t{value}); };
  return Value::object({{"year", number(time.year)},
                        {"year_day", number(time.year_day)},
                        {"day", number(time.day)},
                        {"month", number(time.month)},
                        {"month_name", Value::string(month_name(time.month))},
                        {"weekday", number(time.weekday)},
                        {"weekday_name", Value::string(weekday_name(time.weekday))},
                        {"hour", number(time.hour)},
                        {"minute", number(time.minute)},
                        {"second", number(time.second)},
                        {"rfc3339", Value::string(to_string(timestamp))},
                        {"iso_year", number(time.iso_year)},
                        {"iso_week", number(time.iso_week)}});
}

}  // namespace

void add_time_functions(Functions& functions, const Surroundings& surroundings) {
  add_function(functions, "timestamp", {}, [now = surroundings.now](Arguments) -> Result<Value> {
    return Value::string(to_string(Timestamp{now ? now() : 0, 0, 0}));
  });
  add_function(functions, "formatdate", {text_parameter("format"), text_parameter("time")},
               format_date);
  add_function(functions, "formattimestamp", {text_parameter("format"), any_parameter("time")},
               format_timestamp);
  add_function(functions, "timeadd", {text_parameter("timestamp"), text_parameter("duration")},
               add_time);
  add_function(functions, "unixtimestampparse", {number_parameter("unix_timestamp")},
               parse_unix_timestamp);
}

}  // namespace slipway::hcl
