#include "frontend/dockerfile/flag_set.h"

#include <algorithm>

#include "base/text.h"
#include "base/values.h"

namespace slipway::dockerfile {
namespace {

Error unknown_flag(std::string_view flag, std::initializer_list<FlagSpec> known) {
  std::vector<std::string> names;
  for (const FlagSpec& spec : known) names.push_back("--" + std::string(spec.name));
  return make_error(ErrorCode::InvalidInput, "unknown flag: {}{}", flag, did_you_mean(flag, names));
}

}  // namespace

Result<FlagSet> FlagSet::parse(const std::vector<std::string>& flags,
                               std::initializer_list<FlagSpec> known) {
  FlagSet set;
  for (const std::string& flag : flags) {
    if (flag == "--") break;
    if (!flag.starts_with("--")) {
      return make_error(ErrorCode::InvalidInput, "arg should start with -- : {}", flag);
    }
    const size_t equals = flag.find('=');
    const bool has_value = equals != std::string::npos;
    const std::string with_dashes = flag.substr(0, equals);
    const std::string name = with_dashes.substr(2);
    std::string value = has_value ? flag.substr(equals + 1) : "";
    const auto spec = std::find_if(known.begin(), known.end(),
                                   [&](const FlagSpec& each) { return each.name == name; });
    if (spec == known.end()) return unknown_flag(with_dashes, known);
    if (set.has(name) && spec->kind != FlagKind::List) {
      return make_error(ErrorCode::InvalidInput, "duplicate flag specified: {}", with_dashes);
    }
    const bool needs_value = spec->kind != FlagKind::Bool;
    if (needs_value ? !has_value : has_value && value.empty()) {
      return make_error(ErrorCode::InvalidInput, "missing a value on flag: {}", with_dashes);
    }
    if (spec->kind == FlagKind::Bool) {
      const std::string lower = has_value ? to_lower(value) : "true";
      if (lower != "true" && lower != "false") {
        return make_error(ErrorCode::InvalidInput, "expecting boolean value for flag {}, not: {}",
                          with_dashes, value);
      }
      value = lower;
    }
    set.values_[name].push_back(std::move(value));
  }
  return set;
}

std::string FlagSet::text(std::string_view name, std::string_view fallback) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::string(fallback) : found->second.front();
}

std::vector<std::string> FlagSet::list(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::vector<std::string>() : found->second;
}

}  // namespace slipway::dockerfile
