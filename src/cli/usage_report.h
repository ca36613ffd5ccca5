// What du and prune print about the things in the store.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "store/usage.h"

namespace slipway::cli {

// The largest first. `format` as in Listing; `now`: microseconds since the epoch.
Result<std::string> usage_listing(std::vector<store::UsageRecord> records, std::string_view format,
                                  bool no_trunc, int64_t now);

// Every field of every record, a paragraph each.
std::string usage_details(const std::vector<store::UsageRecord>& records, int64_t now);

// "Total:  3.2GB" and what of it is shared, private and reclaimable.
std::string usage_totals(const std::vector<store::UsageRecord>& records);

}  // namespace slipway::cli
