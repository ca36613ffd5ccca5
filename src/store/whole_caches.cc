#include "store/whole_caches.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <thread>

namespace slipway::store {

std::string shown_id(const std::string& id) {
  return id.size() > 1 && id.front() == '/' ? id.substr(1) : id;
}

Result<std::vector<CacheMountInfo>> list_cache_mounts(Store& store) {
  std::vector<CacheMountInfo> mounts;
  {
    auto database = store.core()->database().lock();
    Rows rows =
        TRY(database->query("SELECT id, name, base, created, last_used, uses FROM cache_mounts "
                            "ORDER BY name, base, id"));
    while (TRY(rows.next())) {
      mounts.push_back({rows.integer(0), rows.text(1), rows.text(2), rows.integer(3),
                        rows.integer(4), rows.integer(5)});
    }
  }
  std::erase_if(mounts, [&](const CacheMountInfo& mount) {
    const std::filesystem::path directory = store.cache_mounts().directory(mount.number);
    return ::access(directory.parent_path().c_str(), F_OK) != 0;
  });
  return mounts;
}

Result<std::optional<RangeLock>> hold_cache_mount(Store& store, int64_t number,
                                                  std::chrono::milliseconds patience,
                                                  std::stop_token stop) {
  constexpr std::chrono::milliseconds kInterval{50};
  // The file and the byte that steps lock (cache_mounts.h); no use is counted.
  const std::filesystem::path file = store.layout().locks() / "cache-mounts";
  for (;; patience -= kInterval) {
    std::optional<RangeLock> lock =
        TRY(RangeLock::try_acquire(file, number, RangeLock::Mode::Exclusive));
    if (lock) TRY(store.cache_mounts().settle(number));
    if (lock || patience.count() <= 0) return lock;
    if (stop.stop_requested()) return make_error(ErrorCode::Cancelled, "cancelled");
    std::this_thread::sleep_for(kInterval);
  }
}

Result<bool> adopt_cache_mount(Store& store, const std::string& id, const std::string& base,
                               const std::filesystem::path& contents, ExistingCache existing,
                               const MergeCache& merge, std::stop_token stop) {
  // As a step that shares the cache with nobody. An absent one comes into being with the contents:
  // an empty one would pass for what a step left.
  bool is_new = false;
  CacheMountSpec spec;
  spec.id = id;
  spec.base = base;
  spec.sharing = CacheMountSharing::Locked;
  spec.populate = [&](const std::filesystem::path& directory) -> Status {
    is_new = true;
    if (::rename(contents.c_str(), directory.c_str()) == 0) return {};
    return errno_error("move {}", contents.string());
  };
  CacheMountLease lease = TRY(store.cache_mounts().acquire(spec, stop));
  if (is_new) return true;
  std::error_code error;
  if (!std::filesystem::is_empty(lease.path(), error)) {
    if (existing == ExistingCache::Keep) return false;
    if (existing == ExistingCache::Merge) TRY(merge(lease.path()));
  }
  if (::renameat2(AT_FDCWD, contents.c_str(), AT_FDCWD, lease.path().c_str(), RENAME_EXCHANGE) !=
      0) {
    return errno_error("replace cache mount {}", shown_id(id));
  }
  TRY(lease.note_replaced());
  TRY(store.core()->discard_tree(contents));
  return true;
}

}  // namespace slipway::store
