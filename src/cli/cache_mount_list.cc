#include "cli/cache_mount_list.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "base/values.h"
#include "cli/listing.h"
#include "exporter/cache_selection.h"
#include "oci/rfc3339.h"

namespace slipway::cli {
namespace {

constexpr size_t kShortDigest = 12;  // hex digits

bool is_named(const store::CacheMountInfo& mount, const std::string& text) {
  return text == store::shown_id(mount.id) || text == mount.id || text == cache_mount_name(mount);
}

std::string short_base(const std::string& base) {
  const Result<Digest> digest = Digest::parse(base);
  return digest ? std::string(digest->hex().substr(0, kShortDigest)) : base;
}

std::string ago(int64_t microseconds, int64_t now) {
  return human_duration(std::chrono::seconds((now - microseconds) / 1'000'000)) + " ago";
}

Listing::Row row_of(const store::CacheMountInfo& mount, const exporter::CacheSelection& content,
                    bool in_use, int64_t now) {
  const auto bytes = static_cast<int64_t>(content.bytes);
  return {store::shown_id(mount.id),
          cache_mount_name(mount),
          mount.base,
          short_base(mount.base),
          human_bytes(content.bytes),
          Listing::Value::number(bytes),
          Listing::Value::number(static_cast<int64_t>(content.files)),
          format_rfc3339_microseconds(mount.created),
          format_rfc3339_microseconds(mount.last_used),
          ago(mount.last_used, now),
          Listing::Value::number(mount.uses),
          Listing::Value::boolean(in_use)};
}

}  // namespace

Result<std::vector<store::CacheMountInfo>> latest_cache_mounts(store::Store& store) {
  std::vector<store::CacheMountInfo> latest;
  for (store::CacheMountInfo& mount : TRY(store::list_cache_mounts(store))) {
    const bool same =
        !latest.empty() && latest.back().id == mount.id && latest.back().base == mount.base;
    if (!same) {
      latest.push_back(std::move(mount));
    } else if (mount.last_used > latest.back().last_used) {
      latest.back() = std::move(mount);
    }
  }
  return latest;
}

std::string cache_mount_name(const store::CacheMountInfo& mount) {
  return fmt::format("cache-mount:{}", mount.number);
}

Result<std::vector<store::CacheMountInfo>> select_cache_mounts(
    const std::vector<store::CacheMountInfo>& mounts, const std::vector<std::string>& texts) {
  std::vector<store::CacheMountInfo> selected;
  std::set<int64_t> numbers;
  for (const std::string& text : texts) {
    bool found = false;
    std::vector<std::string> known;
    for (const store::CacheMountInfo& mount : mounts) {
      known.push_back(store::shown_id(mount.id));
      if (!is_named(mount, text)) continue;
      found = true;
      if (numbers.insert(mount.number).second) selected.push_back(mount);
    }
    if (found) continue;
    return make_error(ErrorCode::NotFound, "no cache mount {}{}", text, did_you_mean(text, known))
        .with_hint("see \"slipway cache-mount ls\"");
  }
  return selected;
}

Result<std::string> cache_mount_listing(store::Store& store, const std::string& format,
                                        int64_t now) {
  Listing listing({{"ID", "ID"},
                   {"Name", ""},
                   {"Base", ""},
                   {"ShortBase", "BASE"},
                   {"Size", "SIZE"},
                   {"Bytes", ""},
                   {"Files", "FILES"},
                   {"CreatedAt", ""},
                   {"LastUsedAt", ""},
                   {"LastUsedSince", "LAST USED"},
                   {"Uses", "USES"},
                   {"InUse", "IN USE"}});
  for (const store::CacheMountInfo& mount : TRY(store::list_cache_mounts(store))) {
    const Result<exporter::CacheSelection> content =
        exporter::select_recent(store.cache_mounts().directory(mount.number), UINT64_MAX, {});
    if (!content && content.error().code() == ErrorCode::NotFound) continue;  // removed meanwhile
    if (!content) return content.error();
    const bool in_use = TRY(store.cache_mounts().in_use(mount.number));
    listing.add(row_of(mount, *content, in_use, now));
  }
  return listing.text(format);
}

}  // namespace slipway::cli
