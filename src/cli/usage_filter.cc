#include "cli/usage_filter.h"

#include <algorithm>
#include <regex>

#include <fmt/format.h>

#include "base/text.h"
#include "base/values.h"
#include "oci/rfc3339.h"

namespace slipway::cli {
namespace {

const std::vector<std::string>& text_keys() {
  static const std::vector<std::string> keys = {"id", "parent", "parents", "type", "description"};
  return keys;
}

const std::vector<std::string>& flag_keys() {
  static const std::vector<std::string> keys = {"inuse",     "shared",  "private",
                                                "immutable", "mutable", "reclaimable"};
  return keys;
}

bool contains(const std::vector<std::string>& keys, const std::string& key) {
  return std::ranges::find(keys, key) != keys.end();
}

std::string text_of(const store::UsageRecord& record, std::string_view key) {
  if (key == "id") return record.id;
  if (key == "parent" || key == "parents") return record.parent;
  if (key == "type") return std::string(usage_type(record));
  return record.description;
}

bool is_mutable(const store::UsageRecord& record) {
  return record.kind == store::UsageKind::CacheMount || record.kind == store::UsageKind::Internal;
}

bool flag_of(const store::UsageRecord& record, std::string_view key) {
  if (key == "inuse") return record.in_use;
  if (key == "shared") return record.shared;
  if (key == "private") return !record.shared;
  if (key == "mutable") return is_mutable(record);
  if (key == "immutable") return !is_mutable(record);
  return record.reclaimable();
}

Result<int64_t> parse_until(std::string_view value, int64_t now) {
  if (const auto seconds = rfc3339_seconds(value)) return *seconds * 1'000'000;
  return now - TRY(parse_duration(value).context("--filter until")) / 1000;
}

Error unknown_key(const std::string& key) {
  std::vector<std::string> known = text_keys();
  known.insert(known.end(), flag_keys().begin(), flag_keys().end());
  known.emplace_back("until");
  known.emplace_back("unused-for");
  return make_error(ErrorCode::InvalidInput, "--filter: \"{}\" is not known{}", key,
                    did_you_mean(key, known))
      .with_hint("there are " + join(known, ", "));
}

}  // namespace

std::string short_id(const std::string& id) {
  constexpr size_t kShortDigest = 19;  // "sha256:" and twelve digits
  return id.substr(0, kShortDigest);
}

std::string_view usage_type(const store::UsageRecord& record) {
  switch (record.kind) {
    case store::UsageKind::Snapshot:
      return record.from_image ? "image" : "regular";
    case store::UsageKind::CacheMount:
      return "exec.cachemount";
    case store::UsageKind::Blob:
      return "blob";
    case store::UsageKind::Internal:
      return "internal";
  }
  return "internal";
}

Result<UsageFilter> UsageFilter::parse(const std::vector<std::string>& texts, int64_t now) {
  UsageFilter filter;
  for (const std::string& text : texts) {
    for (const std::string& condition : split(text, ',')) TRY(filter.add(trim(condition), now));
  }
  return filter;
}

Status UsageFilter::add(std::string_view text, int64_t now) {
  const size_t key_end = std::min(text.find_first_of("=!~"), text.size());
  Condition condition{.key = std::string(trim(text.substr(0, key_end)))};
  std::string_view rest = text.substr(key_end);
  const bool bare = rest.empty();
  if (rest.starts_with("!=")) {
    condition.op = Operator::NotEqual;
    rest.remove_prefix(2);
  } else if (rest.starts_with("~=")) {
    condition.op = Operator::Regex;
    rest.remove_prefix(2);
  } else {
    while (rest.starts_with('=')) rest.remove_prefix(1);
  }
  condition.value = trim(rest);

  if (condition.key == "until" || condition.key == "unused-for") {
    if (used_before_) {
      return make_error(ErrorCode::InvalidInput, "--filter {}: a time was given already",
                        condition.key);
    }
    used_before_ = TRY(parse_until(condition.value, now));
    return {};
  }
  if (contains(flag_keys(), condition.key)) {
    const bool wanted =
        bare || TRY(parse_bool(condition.value).context("--filter " + condition.key));
    condition.value = wanted ? "true" : "false";
  } else if (!contains(text_keys(), condition.key)) {
    return unknown_key(condition.key);
  } else if (bare) {
    return make_error(ErrorCode::InvalidInput, "--filter {}: a value is missing", condition.key);
  }
  if (condition.op == Operator::Regex) {
    try {
      const std::regex check(condition.value, std::regex::extended);
    } catch (const std::regex_error&) {
      return make_error(ErrorCode::InvalidInput, "--filter {}: \"{}\" is no regular expression",
                        condition.key, condition.value);
    }
  }
  const bool again = std::ranges::any_of(conditions_, [&](const Condition& other) {
    return other.key == condition.key && other.op == condition.op;
  });
  if (again && condition.op == Operator::Equal) {
    return make_error(ErrorCode::InvalidInput,
                      "--filter {}: given twice, and nothing can hold both", condition.key)
        .with_hint(fmt::format("for one of several: {}~=^(ONE|OTHER)$", condition.key));
  }
  conditions_.push_back(std::move(condition));
  return {};
}

bool UsageFilter::holds(const Condition& condition, const store::UsageRecord& record) {
  const std::string actual = contains(flag_keys(), condition.key)
                                 ? (flag_of(record, condition.key) ? "true" : "false")
                                 : text_of(record, condition.key);
  switch (condition.op) {
    case Operator::Equal:
      return actual == condition.value ||
             (condition.key == "id" && condition.value == short_id(actual));
    case Operator::NotEqual:
      return actual != condition.value;
    case Operator::Regex:
      return std::regex_search(actual, std::regex(condition.value, std::regex::extended));
  }
  return false;
}

bool UsageFilter::matches(const store::UsageRecord& record) const {
  if (used_before_ && record.last_used >= *used_before_) return false;
  return std::ranges::all_of(conditions_, [&](const Condition& c) { return holds(c, record); });
}

}  // namespace slipway::cli
