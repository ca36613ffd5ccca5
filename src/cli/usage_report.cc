#include "cli/usage_report.h"

#include <algorithm>

#include "base/text.h"
#include "cli/listing.h"
#include "cli/usage_filter.h"
#include "oci/rfc3339.h"

namespace slipway::cli {
namespace {

constexpr size_t kLongestDescription = 60;

std::string age(int64_t time, int64_t now) {
  if (time == 0) return "";
  return human_duration(std::chrono::seconds((now - time) / 1'000'000)) + " ago";
}

std::string iso_time(int64_t microseconds) {
  return microseconds == 0 ? "" : format_rfc3339(microseconds / 1'000'000);
}

std::string yes_or_no(bool value) {
  return value ? "true" : "false";
}

// One line of at most so many bytes, not cut within a character.
std::string shortened(std::string text, size_t longest) {
  std::ranges::replace(text, '\n', ' ');
  if (text.size() <= longest) return text;
  size_t end = longest - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

}  // namespace

Result<std::string> usage_listing(std::vector<store::UsageRecord> records, std::string_view format,
                                  bool no_trunc, int64_t now) {
  std::ranges::stable_sort(records, std::greater(), &store::UsageRecord::bytes);
  const bool table = format.empty() || format == "table";
  Listing listing({{"ID", "ID"},
                   {"Type", "TYPE"},
                   {"Reclaimable", "RECLAIMABLE"},
                   {"Size", "SIZE"},
                   {"LastUsedSince", "LAST ACCESSED"},
                   {"Description", "DESCRIPTION"},
                   {"Bytes", ""},
                   {"Inodes", ""},
                   {"Parent", ""},
                   {"CreatedAt", ""},
                   {"LastUsedAt", ""},
                   {"UsageCount", ""},
                   {"InUse", ""},
                   {"Shared", ""},
                   {"LinkedBytes", ""}});
  for (const store::UsageRecord& record : records) {
    const bool cut = table && !no_trunc;
    listing.add({cut ? short_id(record.id) : record.id, std::string(usage_type(record)),
                 Listing::Value::boolean(record.reclaimable()), human_bytes(record.bytes),
                 age(record.last_used, now),
                 cut ? shortened(record.description, kLongestDescription) : record.description,
                 Listing::Value::number(static_cast<int64_t>(record.bytes)),
                 Listing::Value::number(static_cast<int64_t>(record.inodes)), record.parent,
                 iso_time(record.created), iso_time(record.last_used),
                 Listing::Value::number(record.uses), Listing::Value::boolean(record.in_use),
                 Listing::Value::boolean(record.shared),
                 Listing::Value::number(static_cast<int64_t>(record.linked_bytes))});
  }
  return listing.text(format);
}

std::string usage_details(const std::vector<store::UsageRecord>& records, int64_t now) {
  std::string text;
  for (const store::UsageRecord& record : records) {
    std::vector<std::vector<std::string>> lines = {{"ID:", record.id}};
    if (!record.parent.empty()) lines.push_back({"Parent:", record.parent});
    if (record.created != 0) lines.push_back({"Created at:", iso_time(record.created)});
    lines.push_back({"Reclaimable:", yes_or_no(record.reclaimable())});
    lines.push_back({"In use:", yes_or_no(record.in_use)});
    lines.push_back({"Shared:", yes_or_no(record.shared)});
    lines.push_back({"Size:", human_bytes(record.bytes)});
    if (record.has_links) {
      lines.push_back({"In common with others:", human_bytes(record.linked_bytes)});
    }
    lines.push_back({"Files:", std::to_string(record.inodes)});
    lines.push_back({"Description:", record.description});
    lines.push_back({"Usage count:", std::to_string(record.uses)});
    if (record.last_used != 0) lines.push_back({"Last used:", age(record.last_used, now)});
    lines.push_back({"Type:", std::string(usage_type(record))});
    text += aligned(lines) + "\n";
  }
  return text;
}

std::string usage_totals(const std::vector<store::UsageRecord>& records) {
  uint64_t shared = 0, reclaimable = 0, total = 0;
  for (const store::UsageRecord& record : records) {
    total += record.bytes;
    if (record.shared) shared += record.bytes;
    if (record.reclaimable()) reclaimable += record.bytes;
  }
  return aligned({{"Shared:", human_bytes(shared)},
                  {"Private:", human_bytes(total - shared)},
                  {"Reclaimable:", human_bytes(reclaimable)},
                  {"Total:", human_bytes(total)}});
}

}  // namespace slipway::cli
