#include "store/overlay_snapshotter.h"

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "base/check.h"
#include "base/exact_directory.h"
#include "base/file_io.h"
#include "store/disk_usage.h"
#include "store/overlay_mount.h"
#include "store/root_attributes.h"

namespace slipway::store {
namespace {

Error no_snapshot(SnapshotId id) {
  return make_error(ErrorCode::NotFound, "snapshot {} is not in the store", id.value);
}

}  // namespace

class OverlaySnapshotter::Active : public ActiveSnapshot {
 public:
  Active(OverlaySnapshotter& snapshotter, SnapshotId id, SnapshotId parent, Pin pin)
      : snapshotter_(snapshotter), id_(id), parent_(parent), pin_(std::move(pin)) {}
  ~Active() override {
    // Cannot report; what stays is found by remove_dead() of a later open.
    if (!committed_) (void)snapshotter_.remove(id_).has_value();
  }

  Status create() {
    const std::filesystem::path directory = snapshotter_.directory(id_).parent_path();
    TRY(make_directory(directory));
    layers_.upper = directory / "fs";
    layers_.work = directory / "work";
    TRY(make_directory(layers_.upper));
    TRY(make_directory(layers_.work));
    if (parent_.is_scratch()) return {};
    layers_.lower = TRY(snapshotter_.view(parent_)).lower;
    return copy_root_attributes(layers_.lower.front(), layers_.upper);
  }

  const OverlayLayers& layers() const override { return layers_; }
  SnapshotId id() const override { return id_; }
  SnapshotId parent() const override { return parent_; }
  Result<SnapshotId> commit() override { return commit_onto(parent_); }
  Result<SnapshotId> commit_onto(SnapshotId parent) override {
    CHECK(!committed_);
    snapshotter_.core_->remove_later(layers_.work);
    TRY(snapshotter_.commit(id_, parent));
    parent_ = parent;
    committed_ = true;
    return id_;
  }

 private:
  OverlaySnapshotter& snapshotter_;
  const SnapshotId id_;
  SnapshotId parent_;
  const Pin pin_;
  OverlayLayers layers_;
  bool committed_ = false;
};

std::filesystem::path OverlaySnapshotter::directory(SnapshotId id) const {
  return core_->layout().snapshot(id.value) / "fs";
}

Result<std::unique_ptr<ActiveSnapshot>> OverlaySnapshotter::prepare(SnapshotId parent) {
  for (;;) {
    SnapshotId id;
    {
      auto database = core_->database().lock();
      TRY(
          database->run("INSERT INTO snapshots(parent, committed, created, last_used) "
                        "VALUES(?, 0, ?2, ?2)",
                        parent.value, now_microseconds()));
      id.value = database->last_insert_id();
    }
    std::optional<Pin> pin = TRY(Pin::take(core_, pin_byte_of_snapshot(id.value)));
    // remove_dead() of another process may have met the row before we pinned it.
    if (!pin) continue;
    {
      auto database = core_->database().lock();
      Rows rows = TRY(database->query("SELECT 1 FROM snapshots WHERE id = ?", id.value));
      if (!TRY(rows.next())) continue;
    }
    auto active = std::make_unique<Active>(*this, id, parent, *std::move(pin));
    TRY(active->create());
    return std::unique_ptr<ActiveSnapshot>(std::move(active));
  }
}

Result<SnapshotId> OverlaySnapshotter::commit(SnapshotId id, SnapshotId parent) {
  const int64_t changed = TRY(core_->database().lock()->run(
      "UPDATE snapshots SET committed = 1, parent = ?2, created = ?3, last_used = ?3, "
      "unsafe_boot = ?4 WHERE id = ?1",
      id.value, parent.value, now_microseconds(), core_->boot_id()));
  if (changed != 1) return no_snapshot(id);
  core_->mark_dirty();
  (*parents_.lock())[id.value] = parent.value;
  return id;
}

Result<SnapshotId> OverlaySnapshotter::parent_of(SnapshotId id) {
  {
    auto parents = parents_.lock();
    const auto known = parents->find(id.value);
    if (known != parents->end()) return SnapshotId{known->second};
  }
  SnapshotId parent;
  {
    auto database = core_->database().lock();
    Rows rows = TRY(
        database->query("SELECT parent FROM snapshots WHERE id = ? AND committed = 1", id.value));
    if (!TRY(rows.next())) return no_snapshot(id);
    parent.value = rows.integer(0);
  }
  parents_.lock()->emplace(id.value, parent.value);
  return parent;
}

Result<std::vector<SnapshotId>> OverlaySnapshotter::ancestry(SnapshotId id) {
  std::vector<SnapshotId> ids;
  for (; !id.is_scratch(); id = TRY(parent_of(id))) ids.push_back(id);
  return ids;
}

Result<int64_t> OverlaySnapshotter::created(SnapshotId id) {
  auto database = core_->database().lock();
  Rows rows = TRY(
      database->query("SELECT created FROM snapshots WHERE id = ? AND committed = 1", id.value));
  if (!TRY(rows.next())) return no_snapshot(id);
  return rows.integer(0);
}

Status OverlaySnapshotter::set_created(SnapshotId id, int64_t microseconds) {
  TRY(core_->database().lock()->run("UPDATE snapshots SET created = ? WHERE id = ?", microseconds,
                                    id.value));
  return {};
}

Result<OverlayLayers> OverlaySnapshotter::view(SnapshotId id) {
  OverlayLayers layers;
  for (const SnapshotId layer : TRY(ancestry(id))) layers.lower.push_back(directory(layer));
  return layers;
}

Result<SnapshotInfo> OverlaySnapshotter::info(SnapshotId id) {
  SnapshotInfo info;
  info.id = id;
  if (id.is_scratch()) return info;
  info.directory = directory(id);
  {
    auto database = core_->database().lock();
    Rows rows = TRY(database->query(
        "SELECT parent, bytes, inodes, linked FROM snapshots WHERE id = ? AND committed = 1",
        id.value));
    if (!TRY(rows.next())) return no_snapshot(id);
    info.parent.value = rows.integer(0);
    if (!rows.is_null(1)) {
      info.bytes = static_cast<uint64_t>(rows.integer(1));
      info.inodes = static_cast<uint64_t>(rows.integer(2));
      info.linked = rows.integer(3) != 0;
      return info;
    }
  }
  const DiskUsage usage = TRY(disk_usage(info.directory));
  info.bytes = usage.bytes;
  info.inodes = usage.inodes;
  info.linked = usage.elsewhere_inodes > 0;
  TRY(core_->database().lock()->run(
      "UPDATE snapshots SET bytes = ?2, inodes = ?3, linked = ?4 WHERE id = ?1", id.value,
      static_cast<int64_t>(usage.bytes), static_cast<int64_t>(usage.inodes), info.linked ? 1 : 0));
  return info;
}

Result<std::vector<SnapshotInfo>> OverlaySnapshotter::chain(SnapshotId id) {
  std::vector<SnapshotInfo> infos;
  for (const SnapshotId layer : TRY(ancestry(id))) infos.push_back(TRY(info(layer)));
  return infos;
}

Result<std::optional<std::shared_ptr<const void>>> OverlaySnapshotter::try_pin(SnapshotId id) {
  using Held = std::optional<std::shared_ptr<const void>>;
  if (id.is_scratch()) return Held(std::shared_ptr<const void>());
  const auto exists = [&]() -> Result<bool> {
    auto database = core_->database().lock();
    Rows rows =
        TRY(database->query("SELECT 1 FROM snapshots WHERE id = ? AND committed = 1", id.value));
    return TRY(rows.next());
  };
  std::optional<Pin> pin = TRY(Pin::take(core_, pin_byte_of_snapshot(id.value)));
  while (!pin && TRY(exists())) {
    // A prune holds it, and either deletes the row now or finds that something stands on it.
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    pin = TRY(Pin::take(core_, pin_byte_of_snapshot(id.value)));
  }
  if (!pin || !TRY(exists())) return Held();
  if (::access(directory(id).c_str(), F_OK) != 0) return Held();
  return Held(std::make_shared<const Pin>(*std::move(pin)));
}

Result<std::shared_ptr<const void>> OverlaySnapshotter::pin(SnapshotId id) {
  std::optional<std::shared_ptr<const void>> held = TRY(try_pin(id));
  if (!held) return no_snapshot(id);
  return *std::move(held);
}

Result<Mount> OverlaySnapshotter::mount(const OverlayLayers& layers,
                                        const std::filesystem::path& target) {
  // A volatile mount leaves a mark that would refuse the next one of the same directories; the mark
  // guards against a crash in between, after which our active snapshots are removed anyway.
  const std::filesystem::path mark = layers.work / "work" / "incompat";
  if (!layers.upper.empty() && ::access(mark.c_str(), F_OK) == 0) TRY(remove_tree(mark));
  OverlayMountOptions options;
  options.base = core_->layout().snapshots();
  options.empty_layer = core_->layout().empty_layer();
  options.user_xattrs = core_->user_xattrs();
  return mount_overlay(layers, target, options);
}

// Links to a lower file through an overlay, and looks whether that made a reference. Where it
// cannot (no such mount option, a file system without the attributes) the answer is no, not an
// error.
Result<bool> OverlaySnapshotter::can_refer() {
  if (core_->user_xattrs()) return false;
  auto known = can_refer_.lock();
  if (*known) return **known;
  const std::filesystem::path trial = TRY(core_->scratch_path("refer-"));
  OverlayLayers layers;
  layers.lower = {trial / "lower"};
  layers.upper = trial / "upper";
  layers.work = trial / "work";
  layers.refer_to_lower = true;
  for (const std::filesystem::path& path :
       {trial, layers.lower.front(), layers.upper, layers.work, trial / "merged"}) {
    TRY(make_directory(path));
  }
  TRY(write_file_atomic(layers.lower.front() / "file", "x"));
  bool linked = false;
  if (Result<Mount> mounted = mount(layers, trial / "merged")) {
    const std::filesystem::path& merged = mounted->target();
    linked = ::link((merged / "file").c_str(), (merged / "link").c_str()) == 0;
  }
  *known = linked && ::lgetxattr((layers.upper / "link").c_str(), "trusted.overlay.metacopy",
                                 nullptr, 0) >= 0;
  TRY(remove_tree(trial));
  return **known;
}

Status OverlaySnapshotter::remove(SnapshotId id) {
  parents_.lock()->erase(id.value);
  // The row first: from then on nobody can find the directory.
  {
    auto database = core_->database().lock();
    Transaction transaction = TRY(Transaction::begin(*database));
    TRY(database->run("DELETE FROM chains WHERE snapshot = ?", id.value));
    TRY(database->run("DELETE FROM layer_blobs WHERE snapshot = ?", id.value));
    TRY(database->run("DELETE FROM content_digests WHERE snapshot = ?", id.value));
    TRY(database->run("DELETE FROM link_families WHERE snapshot = ?", id.value));
    TRY(database->run("DELETE FROM latest_copies WHERE snapshot = ?", id.value));
    TRY(database->run("DELETE FROM snapshots WHERE id = ?", id.value));
    TRY(transaction.commit());
  }
  return core_->discard_tree(directory(id).parent_path());
}

Status OverlaySnapshotter::remove_dead() {
  std::vector<SnapshotId> active;
  {
    auto database = core_->database().lock();
    Rows rows = TRY(database->query("SELECT id FROM snapshots WHERE committed = 0"));
    while (TRY(rows.next())) active.push_back({rows.integer(0)});
  }
  for (const SnapshotId id : active) {
    const std::optional<RangeLock> claim =
        TRY(core_->pins().try_claim(pin_byte_of_snapshot(id.value)));
    if (!claim) continue;
    bool still_active = false;
    {
      // It may have been committed and released meanwhile.
      auto database = core_->database().lock();
      Rows rows =
          TRY(database->query("SELECT 1 FROM snapshots WHERE id = ? AND committed = 0", id.value));
      still_active = TRY(rows.next());
    }
    if (still_active) TRY(remove(id));
  }
  return {};
}

}  // namespace slipway::store
