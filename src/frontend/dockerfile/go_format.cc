#include "frontend/dockerfile/go_format.h"

#include "base/text.h"
#include "base/unicode.h"

namespace slipway::dockerfile {

std::string go_quote_list(const std::vector<std::string>& list) {
  std::vector<std::string> quoted;
  for (const std::string& item : list) quoted.push_back(go_quote(item));
  return go_list(quoted);
}

std::string go_list(const std::vector<std::string>& list) {
  return "[" + join(list, " ") + "]";
}

std::string go_duration(int64_t nanoseconds) {
  if (nanoseconds == 0) return "0s";
  const std::string sign = nanoseconds < 0 ? "-" : "";
  const uint64_t total =
      nanoseconds < 0 ? 0 - static_cast<uint64_t>(nanoseconds) : static_cast<uint64_t>(nanoseconds);
  // `value` in units of `unit` nanoseconds, with the fraction's trailing zeros removed.
  const auto decimal = [](uint64_t value, uint64_t unit) {
    std::string text = std::to_string(value / unit);
    if (value % unit == 0) return text;
    std::string fraction = std::to_string(unit + value % unit).substr(1);
    fraction.erase(fraction.find_last_not_of('0') + 1);
    return text + "." + fraction;
  };
  constexpr uint64_t kMicrosecond = 1000, kMillisecond = 1000 * kMicrosecond;
  constexpr uint64_t kSecond = 1000 * kMillisecond, kMinute = 60 * kSecond;
  if (total < kMicrosecond) return sign + std::to_string(total) + "ns";
  if (total < kMillisecond) return sign + decimal(total, kMicrosecond) + "µs";
  if (total < kSecond) return sign + decimal(total, kMillisecond) + "ms";
  std::string text = sign;
  const uint64_t minutes = total / kMinute;
  if (minutes >= 60) text += std::to_string(minutes / 60) + "h";
  if (minutes > 0) text += std::to_string(minutes % 60) + "m";
  return text + decimal(total % kMinute, kSecond) + "s";
}

}  // namespace slipway::dockerfile
