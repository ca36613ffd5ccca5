// Subordinate ids: what an ordinary user may map into a user namespace (subuid(5)).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace slipway::cli {

struct IdRange {
  uint32_t first = 0;
  uint32_t count = 0;
  bool operator==(const IdRange&) const = default;
};

// The ranges of one user in the text of /etc/subuid or /etc/subgid.
std::vector<IdRange> subordinate_ranges(std::string_view file, std::string_view user_name,
                                        uint32_t uid);

// Arguments of newuidmap and newgidmap: inside id 0 is `own_id`, 1... are the ranges in turn.
std::vector<std::string> id_map_arguments(uint32_t own_id, const std::vector<IdRange>& ranges);

// Writes both maps of the user namespace of process `pid`, for the user we are, with the setuid
// programs of the package uidmap. The error names what is missing.
Status map_subordinate_ids(pid_t pid);

}  // namespace slipway::cli
