#include "store/usage.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <set>

#include "store/disk_usage.h"
#include "store/image_blobs.h"
#include "store/result_id.h"
#include "store/snapshot_contents.h"

namespace slipway::store {
namespace {

// What the records of cached results say about the snapshots they name.
struct ResultUse {
  std::string description;
  int64_t last_used = 0;
  int64_t uses = 0;
  int64_t records = 0;
};

// Of one file or directory itself; 0 when it is not there.
uint64_t allocated(const std::filesystem::path& path) {
  struct stat info;
  return ::lstat(path.c_str(), &info) == 0 ? static_cast<uint64_t>(info.st_blocks) * 512 : 0;
}

class Inventory {
 public:
  explicit Inventory(Store& store) : store_(store), core_(*store.core()) {}

  Result<std::vector<UsageRecord>> take() {
    TRY(add_snapshots());
    TRY(add_cache_mounts());
    TRY(add_blobs());
    TRY(add_internal());
    std::ranges::sort(records_, [](const UsageRecord& a, const UsageRecord& b) {
      if (a.kind != b.kind) return a.kind < b.kind;
      return a.id.size() != b.id.size() ? a.id.size() < b.id.size() : a.id < b.id;
    });
    return std::move(records_);
  }

 private:
  Result<std::map<int64_t, ResultUse>> result_uses() {
    auto database = core_.database().lock();
    Rows rows = TRY(database->query(
        "SELECT snapshot, description, last_used, uses FROM record_results "
        "JOIN records ON records.id = record WHERE snapshot IS NOT NULL ORDER BY last_used"));
    std::map<int64_t, ResultUse> uses;
    while (TRY(rows.next())) {
      ResultUse& use = uses[rows.integer(0)];
      use.description = rows.text(1);
      use.last_used = std::max(use.last_used, rows.integer(2));
      use.uses += rows.integer(3);
      ++use.records;
    }
    return uses;
  }

  Result<std::set<int64_t>> integers(const char* sql) {
    auto database = core_.database().lock();
    Rows rows = TRY(database->query(sql));
    std::set<int64_t> values;
    while (TRY(rows.next())) values.insert(rows.integer(0));
    return values;
  }

  Status add_snapshots() {
    const std::map<int64_t, ResultUse> uses = TRY(result_uses());
    const std::set<int64_t> image_layers = TRY(integers("SELECT snapshot FROM chains"));
    struct Row {
      int64_t id, parent, created, last_used;
    };
    std::vector<Row> rows_read;
    std::map<int64_t, int> children;
    std::map<int64_t, int64_t> parents;
    std::vector<int64_t> busy;  // pinned, or a running step stands on it
    {
      auto database = core_.database().lock();
      Rows rows =
          TRY(database->query("SELECT id, parent, created, last_used, committed FROM snapshots"));
      while (TRY(rows.next())) {
        ++children[rows.integer(1)];
        if (rows.integer(4) == 0) {
          active_.push_back(rows.integer(0));
          busy.push_back(rows.integer(1));
          continue;
        }
        parents[rows.integer(0)] = rows.integer(1);
        rows_read.push_back({rows.integer(0), rows.integer(1), rows.integer(2), rows.integer(3)});
      }
    }
    for (const Row& row : rows_read) {
      if (TRY(core_.pins().is_pinned(pin_byte_of_snapshot(row.id)))) busy.push_back(row.id);
    }
    std::set<int64_t> in_use;  // with everything below
    for (int64_t id : busy) {
      while (id != 0 && in_use.insert(id).second) id = parents.contains(id) ? parents[id] : 0;
    }
    for (const Row& row : rows_read) {
      const Result<SnapshotInfo> info = store_.snapshotter().info({row.id});
      // Pruned since, or its directory is gone: load() of the record will notice.
      if (!info && info.error().code() == ErrorCode::NotFound) continue;
      if (!info) return info.error();
      UsageRecord record;
      record.id = to_result_id({row.id});
      record.parent = to_result_id({row.parent});
      const uint64_t contents = allocated(SnapshotContents::file_of(info->directory));
      record.bytes = info->bytes + allocated(info->directory.parent_path()) + contents;
      record.inodes = info->inodes + (contents > 0 ? 2 : 1);
      record.created = row.created;
      record.last_used = row.last_used;
      record.from_image = image_layers.contains(row.id);
      if (record.from_image) record.description = "layer of an image";
      const auto use = uses.find(row.id);
      if (use != uses.end()) {
        record.description = use->second.description;
        record.last_used = std::max(record.last_used, use->second.last_used);
        record.uses = use->second.uses;
        record.shared = use->second.records > 1;
      }
      const auto standing = children.find(row.id);
      record.shared = record.shared || (standing != children.end() && standing->second > 1);
      record.in_use = in_use.contains(row.id);
      records_.push_back(std::move(record));
      snapshots_.push_back({row.id, *info, records_.size() - 1});
    }
    return count_links_once();
  }

  // Snapshots that may have files in common, as lists of positions in snapshots_.
  Result<std::vector<std::vector<size_t>>> linked_groups() {
    std::map<int64_t, std::vector<int64_t>> families;  // of snapshots that have links
    for (const auto& [id, family] : TRY(store_.links().all_families())) {
      families[id.value].push_back(family);
    }
    std::map<int64_t, int64_t> heads;  // union-find over families
    const auto head_of = [&heads](int64_t family) {
      while (heads.contains(family) && heads[family] != family) family = heads[family];
      return family;
    };
    for (const auto& [id, list] : families) {
      for (const int64_t family : list) heads[head_of(family)] = head_of(list.front());
    }
    std::map<int64_t, std::vector<size_t>> groups;
    for (size_t i = 0; i < snapshots_.size(); ++i) {
      const auto found = families.find(snapshots_[i].id);
      const int64_t family = found == families.end() ? snapshots_[i].id : found->second.front();
      if (heads.contains(family)) groups[head_of(family)].push_back(i);
    }
    std::vector<std::vector<size_t>> result;
    for (auto& [head, group] : groups) {
      if (group.size() > 1) result.push_back(std::move(group));
    }
    return result;
  }

  // Newest first: prune removes the oldest first, and then frees what it is said to.
  Status count_links_once() {
    std::ranges::sort(snapshots_, std::ranges::greater(), &SnapshotRow::id);
    for (const std::vector<size_t>& group : TRY(linked_groups())) {
      DiskMeter meter;
      for (const size_t position : group) {
        const SnapshotRow& row = snapshots_[position];
        const Result<DiskUsage> usage = meter.measure(row.info.directory);
        if (!usage && usage.error().code() == ErrorCode::NotFound) continue;
        if (!usage) return usage.error();
        UsageRecord& record = records_[row.record];
        record.has_links = true;
        record.bytes = record.bytes - row.info.bytes + usage->bytes;
        record.inodes = record.inodes - row.info.inodes + usage->inodes;
      }
    }
    return {};
  }

  Status add_cache_mounts() {
    struct Row {
      int64_t id;
      UsageRecord record;
      bool known;
    };
    std::vector<Row> rows_read;
    {
      auto database = core_.database().lock();
      Rows rows = TRY(database->query(
          "SELECT id, name, created, last_used, uses, bytes, inodes, measured FROM cache_mounts"));
      while (TRY(rows.next())) {
        UsageRecord record;
        record.kind = UsageKind::CacheMount;
        record.id = "cache-mount:" + std::to_string(rows.integer(0));
        record.description = "cache mount " + rows.text(1);
        record.created = rows.integer(2);
        record.last_used = rows.integer(3);
        record.uses = rows.integer(4);
        record.bytes = static_cast<uint64_t>(rows.integer(5));
        record.inodes = static_cast<uint64_t>(rows.integer(6));
        rows_read.push_back({rows.integer(0), std::move(record),
                             !rows.is_null(7) && rows.integer(7) == rows.integer(3)});
      }
    }
    for (Row& row : rows_read) {
      row.record.in_use = TRY(store_.cache_mounts().in_use(row.id));
      if (!row.known || row.record.in_use) {
        const Result<DiskUsage> usage =
            disk_usage(store_.cache_mounts().directory(row.id).parent_path());
        if (!usage && usage.error().code() == ErrorCode::NotFound) continue;
        if (!usage) return usage.error();
        row.record.bytes = usage->bytes;
        row.record.inodes = usage->inodes;
        // True for as long as nobody uses it again, which moves last_used.
        TRY(core_.database().lock()->run(
            "UPDATE cache_mounts SET bytes = ?2, inodes = ?3, measured = ?4 WHERE id = ?1", row.id,
            static_cast<int64_t>(usage->bytes), static_cast<int64_t>(usage->inodes),
            row.record.last_used));
      }
      records_.push_back(std::move(row.record));
    }
    return {};
  }

  // From the directory, not the table: what is on disk is what counts.
  Status add_blobs() {
    const std::set<Digest> needed = TRY(blobs_of_images(store_));
    std::map<std::string, int64_t> layers;  // digest -> number of snapshots
    {
      auto database = core_.database().lock();
      Rows rows = TRY(database->query("SELECT digest, count(*) FROM layer_blobs GROUP BY digest"));
      while (TRY(rows.next())) layers[rows.text(0)] = rows.integer(1);
    }
    const std::filesystem::path directory = store_.layout().blobs() / "sha256";
    const std::unique_ptr<DIR, int (*)(DIR*)> listing(::opendir(directory.c_str()), ::closedir);
    if (!listing) return errno_error("list {}", directory.string());
    while (const dirent* entry = ::readdir(listing.get())) {
      const Result<Digest> digest = Digest::parse(std::string("sha256:") + entry->d_name);
      struct stat info;
      if (!digest || ::fstatat(::dirfd(listing.get()), entry->d_name, &info, 0) != 0) continue;
      UsageRecord record;
      record.kind = UsageKind::Blob;
      record.id = digest->str();
      record.bytes = static_cast<uint64_t>(info.st_blocks) * 512;
      record.inodes = 1;
      record.created = record.last_used = int64_t{info.st_mtim.tv_sec} * 1'000'000;
      record.from_image = needed.contains(*digest);
      const auto layer = layers.find(record.id);
      record.description = layer != layers.end() ? "compressed layer"
                           : record.from_image   ? "content of an image"
                                                 : "content that nothing refers to";
      record.shared = layer != layers.end() && layer->second > 1;
      record.in_use = record.from_image || TRY(core_.pins().is_pinned(pin_byte_of_blob(*digest)));
      records_.push_back(std::move(record));
    }
    return {};
  }

  Status add_internal() {
    const Layout& layout = store_.layout();
    TRY(add_trees("internal:stat-indexes", {layout.contexts()}, "digests of context files"));
    TRY(add_trees("internal:history", {layout.history()}, "history of builds"));
    std::vector<std::filesystem::path> running = {layout.tmp()};
    for (const int64_t id : active_) {
      running.push_back(store_.snapshotter().directory({id}).parent_path());
    }
    TRY(add_trees("internal:running", running, "scratch of running builds"));
    TRY(add_trees("internal:metadata", {layout.locks(), layout.empty_layer()}, "database"));
    UsageRecord& metadata = records_.back();
    for (const std::filesystem::path& path :
         {layout.root(), layout.blobs(), layout.blobs() / "sha256", layout.snapshots(),
          layout.cache_mounts(), layout.database()}) {
      metadata.bytes += allocated(path);
      ++metadata.inodes;
    }
    for (const char* suffix : {"-wal", "-shm"}) {
      metadata.bytes += allocated(layout.database().string() + suffix);
    }
    return {};
  }

  Status add_trees(const char* id, const std::vector<std::filesystem::path>& paths,
                   const char* description) {
    UsageRecord record;
    record.kind = UsageKind::Internal;
    record.id = id;
    record.description = description;
    for (const std::filesystem::path& path : paths) {
      const Result<DiskUsage> usage = disk_usage(path);
      if (!usage && usage.error().code() == ErrorCode::NotFound) continue;
      if (!usage) return usage.error();
      record.bytes += usage->bytes;
      record.inodes += usage->inodes;
    }
    records_.push_back(std::move(record));
    return {};
  }

  struct SnapshotRow {
    int64_t id;
    SnapshotInfo info;
    size_t record;  // position in records_
  };

  Store& store_;
  Core& core_;
  std::vector<UsageRecord> records_;
  std::vector<SnapshotRow> snapshots_;
  std::vector<int64_t> active_;  // snapshots that a step is filling
};

}  // namespace

Result<std::vector<UsageRecord>> usage_records(Store& store) {
  return Inventory(store).take();
}

uint64_t total_bytes(const std::vector<UsageRecord>& records) {
  uint64_t total = 0;
  for (const UsageRecord& record : records) total += record.bytes;
  return total;
}

}  // namespace slipway::store
