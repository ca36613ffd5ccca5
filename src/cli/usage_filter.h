// --filter of du and prune: what a thing in the store must be like.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/usage.h"

namespace slipway::cli {

// BuildKit's words where it has them: "regular" (the result of a step), "image" (an unpacked layer
// of an image), "exec.cachemount", "blob", "internal".
std::string_view usage_type(const store::UsageRecord& record);

// As lists show it; a filter takes it, too.
std::string short_id(const std::string& id);

class UsageFilter {
 public:
  // Each text: conditions separated by commas, all of which must hold: KEY=VALUE, KEY==VALUE,
  // KEY!=VALUE, KEY~=REGEX, or KEY alone for inuse, shared, private, mutable, immutable,
  // reclaimable. until=DURATION (or unused-for) or a time: not used since. `now`: microseconds
  // since the epoch.
  static Result<UsageFilter> parse(const std::vector<std::string>& texts, int64_t now);

  bool matches(const store::UsageRecord& record) const;
  // Whether there is anything but "until".
  bool has_conditions() const { return !conditions_.empty(); }
  std::optional<int64_t> used_before() const { return used_before_; }

 private:
  enum class Operator { Equal, NotEqual, Regex };
  struct Condition {
    std::string key;
    Operator op = Operator::Equal;
    std::string value;
  };
  Status add(std::string_view text, int64_t now);
  static bool holds(const Condition& condition, const store::UsageRecord& record);

  std::vector<Condition> conditions_;
  std::optional<int64_t> used_before_;  // microseconds since the epoch
};

}  // namespace slipway::cli
