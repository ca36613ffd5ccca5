#include "store/result_id.h"

#include <charconv>

namespace slipway::store {
namespace {

constexpr std::string_view kPrefix = "snapshot:";

}  // namespace

std::string to_result_id(SnapshotId id) {
  if (id.is_scratch()) return "";
  return std::string(kPrefix) + std::to_string(id.value);
}

std::optional<SnapshotId> snapshot_of_result(std::string_view result_id) {
  if (result_id.empty()) return SnapshotId{};
  if (!result_id.starts_with(kPrefix)) return std::nullopt;
  result_id.remove_prefix(kPrefix.size());
  SnapshotId id;
  const char* const end = result_id.data() + result_id.size();
  const auto [stop, error] = std::from_chars(result_id.data(), end, id.value);
  if (error != std::errc() || stop != end || id.value <= 0) return std::nullopt;
  return id;
}

}  // namespace slipway::store
