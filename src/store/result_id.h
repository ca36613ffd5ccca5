// The text form of a snapshot as a step's result ("snapshot:17"; "" is scratch), in one place.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "store/snapshotter.h"

namespace slipway::store {

std::string to_result_id(SnapshotId id);
// nullopt when the text names no snapshot ("local:context").
std::optional<SnapshotId> snapshot_of_result(std::string_view result_id);

}  // namespace slipway::store
