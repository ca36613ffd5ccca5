#include "store/prune.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>
#include <set>

#include "base/check.h"
#include "base/file_io.h"
#include "store/disk_usage.h"
#include "store/image_blobs.h"
#include "store/recovery.h"
#include "store/result_id.h"

namespace slipway::store {
namespace {

// By how much a layer that can be made again goes before its snapshot. To make it again costs less
// than to run the step again, but the layers of the latest builds are what later ones copy from.
constexpr int64_t kBlobsGoEarlier = int64_t{48} * 3600 * 1'000'000;  // microseconds

int64_t number_after_colon(const std::string& id) {
  const size_t colon = id.find(':');
  int64_t number = 0;
  std::from_chars(id.data() + colon + 1, id.data() + id.size(), number);
  return number;
}

class Pruning {
 public:
  Pruning(Store& store, const PruneOptions& options) : store_(store), options_(options) {}

  Result<PruneReport> run(std::stop_token stop) {
    if (!options_.dry_run) TRY(store_.trash().empty());
    TRY(store_.snapshotter().remove_dead());
    {
      auto database = store_.core()->database().lock();
      TRY(remove_unknown_directories(*store_.core(), *database));
    }
    // The names of images that are gone must not come back after their blobs.
    if (!options_.dry_run) TRY(store_.sync_metadata());
    records_ = TRY(usage_records(store_));
    remaining_ = total_bytes(records_);
    keep_ = bytes_to_keep(options_.limits, remaining_, TRY(disk_space(store_.layout().root())));
    for (const UsageRecord& record : records_) {
      if (record.kind == UsageKind::Snapshot && !record.parent.empty()) ++children_[record.parent];
    }
    // Blobs that nothing refers to first: they are of no use to anybody.
    TRY(remove_stray_blobs(stop));
    TRY(remove_by_age(stop));
    if (options_.all && !enough()) TRY(remove_internal());
    report_.enough = !keep_ || enough();
    return std::move(report_);
  }

 private:
  bool enough() const { return keep_ && remaining_ <= *keep_; }

  bool chosen(const UsageRecord& record) const {
    if (record.kind == UsageKind::Snapshot && record.from_image && !options_.all) return false;
    if (options_.used_before && record.last_used >= *options_.used_before) return false;
    return !options_.filter || options_.filter(record);
  }

  void note(const UsageRecord& record) {
    report_.removed.push_back(record);
    report_.bytes += record.bytes;
    remaining_ -= std::min(remaining_, record.bytes);
  }

  static int64_t age_key(const UsageRecord& record) {
    return record.reproducible ? record.last_used - kBlobsGoEarlier : record.last_used;
  }

  // Snapshots, cache mounts and layers that can be made again, by last use. A snapshot becomes a
  // candidate when nothing stands on it any more, so removing one may put its parent in line.
  Status remove_by_age(const std::stop_token& stop) {
    struct ByAge {
      bool operator()(const UsageRecord* a, const UsageRecord* b) const {
        if (age_key(*a) != age_key(*b)) return age_key(*a) < age_key(*b);
        return a->id < b->id;
      }
    };
    std::map<std::string, const UsageRecord*> snapshots;
    std::set<const UsageRecord*, ByAge> candidates;
    for (const UsageRecord& record : records_) {
      if (record.kind == UsageKind::Snapshot) snapshots[record.id] = &record;
      const bool leaf = record.kind == UsageKind::Snapshot && !children_.contains(record.id);
      if (leaf || record.kind == UsageKind::CacheMount || record.reproducible) {
        candidates.insert(&record);
      }
    }
    while (!candidates.empty() && !enough()) {
      if (stop.stop_requested()) return make_error(ErrorCode::Cancelled, "prune: cancelled");
      const UsageRecord* const record = *candidates.begin();
      candidates.erase(candidates.begin());
      if (!chosen(*record)) continue;
      UsageRecord freed = *record;
      if (record->has_links && !options_.dry_run) TRY(measure(freed));
      if (!TRY(remove(*record))) continue;
      note(freed);
      if (record->kind != UsageKind::Snapshot || record->parent.empty()) continue;
      if (--children_[record->parent] == 0 && snapshots.contains(record->parent)) {
        candidates.insert(snapshots[record->parent]);
      }
    }
    return {};
  }

  // What removing it frees now: others may have come and gone since the records were taken.
  Status measure(UsageRecord& record) {
    const int64_t number = number_after_colon(record.id);
    const std::filesystem::path directory = record.kind == UsageKind::CacheMount
                                                ? store_.cache_mounts().directory(number)
                                                : store_.snapshotter().directory({number});
    const Result<DiskUsage> usage = disk_usage(directory.parent_path());
    if (!usage && usage.error().code() == ErrorCode::NotFound) return {};
    if (!usage) return usage.error();
    record.bytes = usage->bytes - usage->elsewhere_bytes;
    record.inodes = usage->inodes - usage->elsewhere_inodes;
    return {};
  }

  // False: somebody uses it.
  Result<bool> remove(const UsageRecord& record) {
    if (record.kind == UsageKind::Blob) return remove_blob(TRY(Digest::parse(record.id)), true);
    const int64_t number = number_after_colon(record.id);
    if (record.kind == UsageKind::CacheMount) {
      if (options_.dry_run) return !TRY(store_.cache_mounts().in_use(number));
      return store_.cache_mounts().remove(number);
    }
    return remove_snapshot({number});
  }

  Result<bool> remove_snapshot(SnapshotId id) {
    Core& core = *store_.core();
    const int64_t byte = pin_byte_of_snapshot(id.value);
    if (options_.dry_run) return !TRY(core.pins().is_pinned(byte));
    const std::optional<RangeLock> claim = TRY(core.pins().try_claim(byte));
    if (!claim) return false;
    std::vector<Digest> blobs;
    {
      auto database = core.database().lock();
      {
        // A build may have put a layer on it since we looked; it needs no pin of its own then.
        Rows rows = TRY(database->query("SELECT 1 FROM snapshots WHERE parent = ?", id.value));
        if (TRY(rows.next())) return false;
      }
      {
        Rows rows =
            TRY(database->query("SELECT digest FROM layer_blobs WHERE snapshot = ?", id.value));
        while (TRY(rows.next())) blobs.push_back(TRY(Digest::parse(rows.view(0))));
      }
      TRY(remove_results(*database, id));
    }
    TRY(store_.snapshotter().remove(id));
    for (const Digest& blob : blobs) TRY(remove_blob_of_snapshot(blob));
    return true;
  }

  // Records first: from then on no build can find the snapshot.
  static Status remove_results(Database& database, SnapshotId id) {
    Transaction transaction = TRY(Transaction::begin(database));
    std::vector<int64_t> records;
    {
      Rows rows =
          TRY(database.query("SELECT record FROM record_results WHERE snapshot = ?", id.value));
      while (TRY(rows.next())) records.push_back(rows.integer(0));
    }
    for (const int64_t record : records) {
      TRY(database.run("DELETE FROM record_keys WHERE record = ?", record));
      TRY(database.run("DELETE FROM record_results WHERE record = ?", record));
      TRY(database.run("DELETE FROM records WHERE id = ?", record));
    }
    return transaction.commit();
  }

  // Looked at again whenever a build has named an image meanwhile.
  Result<bool> an_image_needs(const Digest& blob) {
    std::vector<std::pair<std::string, Digest>> images;
    for (const StoredImage& image : TRY(store_.images().list())) {
      images.emplace_back(image.name, image.target.digest);
    }
    if (!image_blobs_ || images != images_) {
      image_blobs_ = TRY(blobs_of_images(store_));
      images_ = std::move(images);
    }
    return image_blobs_->contains(blob);
  }

  Result<bool> is_a_layer(const Digest& blob) {
    auto database = store_.core()->database().lock();
    Rows rows = TRY(database->query("SELECT 1 FROM layer_blobs WHERE digest = ?", blob.str()));
    return TRY(rows.next());
  }

  Status remove_blob_of_snapshot(const Digest& blob) {
    const auto record = std::ranges::find_if(records_, [&](const UsageRecord& r) {
      return r.kind == UsageKind::Blob && r.id == blob.str();
    });
    if (record == records_.end() || !TRY(remove_blob(blob, false))) return {};
    note(*record);
    return {};
  }

  // `reproducible`: although it is the layer of a snapshot.
  Result<bool> remove_blob(const Digest& blob, bool reproducible) {
    const auto is_needed = [&]() -> Result<bool> {
      if (TRY(an_image_needs(blob))) return true;
      return !reproducible && TRY(is_a_layer(blob));
    };
    PinSet& pins = store_.core()->pins();
    if (removed_blobs_.contains(blob) || TRY(is_needed())) return false;
    if (options_.dry_run) {
      if (TRY(pins.is_pinned(pin_byte_of_blob(blob)))) return false;
    } else {
      const std::optional<RangeLock> claim = TRY(pins.try_claim(pin_byte_of_blob(blob)));
      // Again: it may have become a layer since; from here on nobody can pin it.
      if (!claim || TRY(is_needed())) return false;
      TRY(store_.content().remove(blob));
    }
    removed_blobs_.insert(blob);
    return true;
  }

  Status remove_stray_blobs(const std::stop_token& stop) {
    for (const UsageRecord& record : records_) {
      if (record.kind != UsageKind::Blob || record.in_use || enough()) continue;
      if (stop.stop_requested()) return make_error(ErrorCode::Cancelled, "prune: cancelled");
      if (record.reproducible || !chosen(record)) continue;
      if (TRY(remove_blob(TRY(Digest::parse(record.id)), false))) note(record);
    }
    return {};
  }

  Status remove_internal() {
    for (const UsageRecord& record : records_) {
      if (record.kind != UsageKind::Internal || !chosen(record)) continue;
      if (record.id == "internal:stat-indexes") {
        if (!options_.dry_run) TRY(forget_contexts());
      } else if (record.id == "internal:damaged") {
        if (!options_.dry_run) TRY(remove_damaged_databases());
      } else {
        continue;
      }
      note(record);
    }
    return {};
  }

  // Not what a build is just writing, beside its final name.
  Status forget_contexts() {
    namespace fs = std::filesystem;
    const auto long_ago = fs::file_time_type::clock::now() - std::chrono::hours(1);
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(store_.layout().contexts(), error)) {
      const bool draft = entry.path().extension() == ".tmp";
      if (draft && entry.last_write_time(error) > long_ago) continue;
      TRY(remove_tree(entry.path()));
    }
    return {};
  }

  Status remove_damaged_databases() {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(store_.layout().root(), error)) {
      const std::filesystem::path& path = entry.path();
      if (Layout::is_damaged_database(path.filename().native())) TRY(remove_tree(path));
    }
    return {};
  }

  Store& store_;
  const PruneOptions& options_;
  std::vector<UsageRecord> records_;
  std::map<std::string, int> children_;
  std::optional<std::set<Digest>> image_blobs_;
  std::vector<std::pair<std::string, Digest>> images_;  // those that image_blobs_ is of
  std::set<Digest> removed_blobs_;
  std::optional<uint64_t> keep_;
  uint64_t remaining_ = 0;
  PruneReport report_;
};

}  // namespace

Result<PruneReport> prune(Store& store, const PruneOptions& options, std::stop_token stop) {
  return Pruning(store, options).run(std::move(stop));
}

}  // namespace slipway::store
