#include "store/usage.h"

#include <dirent.h>
#include <fcntl.h>
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
    TRY(count_links_once());
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
      snapshot_uses_[row.id] = record.last_used;
      records_.push_back(std::move(record));
      trees_.push_back(
          {info->directory, info->bytes, info->inodes, info->linked, records_.size() - 1, row.id});
    }
    return {};
  }

  // Snapshots that other snapshots have linked to, or that have linked.
  Result<std::set<int64_t>> snapshots_with_families() {
    std::set<int64_t> ids;
    for (const auto& [id, family] : TRY(store_.links().all_families())) {
      ids.insert(id.value);
      ids.insert(family);
    }
    return ids;
  }

  // Of two trees that have a file in common, the one that got it later had links elsewhere when it
  // was measured; the other one had not, if that was before: families tell (copies), or it is a
  // cache mount, measured again after each use.
  Status count_links_once() {
    const std::set<int64_t> families = TRY(snapshots_with_families());
    std::erase_if(trees_, [&](const Tree& tree) {
      return !tree.linked && !(tree.snapshot != 0 && families.contains(tree.snapshot));
    });
    if (trees_.size() < 2) return {};
    // Newest first: prune removes the oldest first, and then frees what it is said to. Cache mounts
    // last: they show what no snapshot has.
    std::ranges::stable_sort(trees_, std::ranges::greater(), &Tree::snapshot);
    DiskMeter meter;
    for (const Tree& tree : trees_) {
      const Result<DiskUsage> usage = meter.measure(tree.directory);
      if (!usage && usage.error().code() == ErrorCode::NotFound) continue;
      if (!usage) return usage.error();
      UsageRecord& record = records_[tree.record];
      record.has_links = usage->elsewhere_inodes > 0;
      record.linked_bytes = usage->elsewhere_bytes;
      record.bytes = record.bytes - tree.bytes + usage->bytes;
      record.inodes = record.inodes - tree.inodes + usage->inodes;
    }
    return {};
  }

  Status add_cache_mounts() {
    struct Row {
      int64_t id;
      UsageRecord record;
      bool known;
      bool linked;
    };
    std::vector<Row> rows_read;
    {
      auto database = core_.database().lock();
      Rows rows =
          TRY(database->query("SELECT id, name, created, last_used, uses, bytes, inodes, measured, "
                              "linked FROM cache_mounts"));
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
                             !rows.is_null(7) && rows.integer(7) == rows.integer(3),
                             rows.integer(8) != 0});
      }
    }
    for (Row& row : rows_read) {
      const std::filesystem::path directory = store_.layout().cache_mount(row.id);
      row.record.in_use = TRY(store_.cache_mounts().in_use(row.id));
      if (!row.known || row.record.in_use) {
        const Result<DiskUsage> usage = disk_usage(directory);
        if (!usage && usage.error().code() == ErrorCode::NotFound) continue;
        if (!usage) return usage.error();
        row.record.bytes = usage->bytes;
        row.record.inodes = usage->inodes;
        row.linked = usage->elsewhere_inodes > 0;
        // True for as long as nobody uses it again, which moves last_used.
        TRY(core_.database().lock()->run(
            "UPDATE cache_mounts SET bytes = ?2, inodes = ?3, measured = ?4, linked = ?5 "
            "WHERE id = ?1",
            row.id, static_cast<int64_t>(usage->bytes), static_cast<int64_t>(usage->inodes),
            row.record.last_used, row.linked ? 1 : 0));
      }
      trees_.push_back(
          {directory, row.record.bytes, row.record.inodes, row.linked, records_.size()});
      records_.push_back(std::move(row.record));
    }
    return {};
  }

  // The snapshots whose layer a blob is.
  struct LayerUse {
    std::set<int64_t> snapshots;
    int64_t last_used = 0;
    bool made = true;  // from the snapshots, byte for byte; what was fetched cannot be made again
  };

  Result<std::map<std::string, LayerUse>> layer_uses() {
    auto database = core_.database().lock();
    Rows rows = TRY(database->query("SELECT digest, snapshot, variant FROM layer_blobs"));
    std::map<std::string, LayerUse> uses;
    while (TRY(rows.next())) {
      LayerUse& use = uses[rows.text(0)];
      use.snapshots.insert(rows.integer(1));
      use.last_used = std::max(use.last_used, snapshot_uses_[rows.integer(1)]);
      if (rows.view(2) == kFetchedVariant) use.made = false;
    }
    return uses;
  }

  // From the directory, not the table: what is on disk is what counts.
  Status add_blobs() {
    const std::set<Digest> needed = TRY(blobs_of_images(store_));
    const std::map<std::string, LayerUse> layers = TRY(layer_uses());
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
      if (layer != layers.end()) {
        record.shared = layer->second.snapshots.size() > 1;
        record.reproducible = layer->second.made && !record.from_image;
        record.last_used = std::max(record.last_used, layer->second.last_used);
      }
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
          layout.cache_mounts()}) {
      metadata.bytes += allocated(path);
      ++metadata.inodes;
    }
    return add_files_of_root(metadata);
  }

  // The database and its logs, what was set aside as damaged.
  Status add_files_of_root(UsageRecord& metadata) {
    UsageRecord damaged;
    damaged.kind = UsageKind::Internal;
    damaged.id = "internal:damaged";
    damaged.description = "damaged databases that were set aside";
    const std::filesystem::path root = store_.layout().root();
    const std::unique_ptr<DIR, int (*)(DIR*)> listing(::opendir(root.c_str()), ::closedir);
    if (!listing) return errno_error("list {}", root.string());
    while (const dirent* entry = ::readdir(listing.get())) {
      struct stat info;
      if (::fstatat(::dirfd(listing.get()), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 ||
          S_ISDIR(info.st_mode)) {
        continue;
      }
      UsageRecord& record = store_.layout().is_damaged_database(entry->d_name) ? damaged : metadata;
      record.bytes += static_cast<uint64_t>(info.st_blocks) * 512;
      ++record.inodes;
    }
    if (damaged.inodes > 0) records_.push_back(std::move(damaged));
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

  // A directory of which a record tells, as it was measured by itself.
  struct Tree {
    std::filesystem::path directory;
    uint64_t bytes;
    uint64_t inodes;
    bool linked;
    size_t record;         // position in records_
    int64_t snapshot = 0;  // its id; 0: a cache mount
  };

  Store& store_;
  Core& core_;
  std::vector<UsageRecord> records_;
  std::vector<Tree> trees_;
  std::map<int64_t, int64_t> snapshot_uses_;  // id -> when it was last used
  std::vector<int64_t> active_;               // snapshots that a step is filling
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
