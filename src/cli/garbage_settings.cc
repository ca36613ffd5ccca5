#include "cli/garbage_settings.h"

#include <charconv>

#include "base/text.h"
#include "base/values.h"
#include "store/garbage.h"

namespace slipway::cli {
namespace {

Result<uint64_t> space_of(const Environment& environment, const std::string& name,
                          const store::DiskSpace& disk) {
  const std::string text = environment.get(name);
  if (text.empty()) return uint64_t{0};
  return parse_space(text, disk).context(name);
}

Result<bool> is_on(const Environment& environment, const std::string& name) {
  const std::string text = to_lower(environment.get(name));
  if (text.empty() || text == "on") return true;
  if (text == "off") return false;
  return parse_bool(text).context(name + " is neither on nor off");
}

}  // namespace

Result<uint64_t> parse_space(std::string_view text, const store::DiskSpace& disk) {
  if (!text.ends_with('%')) return static_cast<uint64_t>(TRY(parse_size(text)));
  uint64_t percent = 0;
  const char* const end = text.data() + text.size() - 1;
  const auto [stop, error] = std::from_chars(text.data(), end, percent);
  if (error != std::errc() || stop != end || percent > 100) {
    return make_error(ErrorCode::InvalidInput, "\"{}\" is no part of the disk", text)
        .with_hint("say 20% or 50GB");
  }
  return disk.total / 100 * percent;
}

Result<GarbageSettings> garbage_settings(const Environment& environment,
                                         const store::DiskSpace& disk) {
  GarbageSettings settings;
  settings.automatic = TRY(is_on(environment, "SLIPWAY_GC"));
  store::SpaceLimits& limits = settings.limits;
  limits.reserved = TRY(space_of(environment, "SLIPWAY_GC_RESERVED_SPACE", disk));
  limits.max_used = TRY(space_of(environment, "SLIPWAY_GC_MAX_USED_SPACE", disk));
  limits.min_free = TRY(space_of(environment, "SLIPWAY_GC_MIN_FREE_SPACE", disk));
  if (limits == store::SpaceLimits{}) limits = store::default_limits(disk);
  return settings;
}

}  // namespace slipway::cli
