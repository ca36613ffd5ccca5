#include "store/cache_mounts.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/file_io.h"

namespace slipway::store {
namespace {

// Until a barrier that finds it unused, a crash of the machine may have torn its files.
Status mark_used(Core& core, int64_t id, bool begins) {
  core.mark_dirty();
  TRY(core.database().lock()->run(
      "UPDATE cache_mounts SET last_used = ?2, uses = uses + ?3, unsafe_boot = ?4 WHERE id = ?1",
      id, now_microseconds(), begins ? 1 : 0, core.boot_id()));
  return {};
}

}  // namespace

CacheMountLease::~CacheMountLease() {
  if (core_) (void)mark_used(*core_, id_, false).has_value();
}

std::filesystem::path CacheMounts::directory(int64_t id) const {
  return core_->layout().cache_mounts() / std::to_string(id) / "data";
}

Result<std::vector<int64_t>> CacheMounts::instances(const CacheMountSpec& spec) {
  auto database = core_->database().lock();
  Rows rows = TRY(database->query(
      "SELECT id FROM cache_mounts WHERE name = ? AND base = ? ORDER BY id", spec.id, spec.base));
  std::vector<int64_t> ids;
  while (TRY(rows.next())) ids.push_back(rows.integer(0));
  return ids;
}

Result<int64_t> CacheMounts::new_instance(const CacheMountSpec& spec) {
  auto database = core_->database().lock();
  TRY(
      database->run("INSERT INTO cache_mounts(name, base, created, last_used, uses, unsafe_boot) "
                    "VALUES(?, ?, ?3, ?3, 0, ?4)",
                    spec.id, spec.base, now_microseconds(), core_->boot_id()));
  return database->last_insert_id();
}

// Of two processes that need the first one, one makes it.
Result<int64_t> CacheMounts::first_instance(const CacheMountSpec& spec) {
  const RangeLock maker = TRY(RangeLock::acquire(
      core_->layout().claims(), lock_byte("make cache mount " + spec.id + "\n" + spec.base),
      RangeLock::Mode::Exclusive));
  const std::vector<int64_t> ids = TRY(instances(spec));
  return ids.empty() ? new_instance(spec) : Result<int64_t>(ids.front());
}

Result<std::optional<RangeLock>> CacheMounts::lock_private(const CacheMountSpec& spec,
                                                           int64_t& id) {
  for (const int64_t candidate : TRY(instances(spec))) {
    std::optional<RangeLock> lock =
        TRY(RangeLock::try_acquire(lock_file(), candidate, RangeLock::Mode::Exclusive));
    if (!lock) continue;
    id = candidate;
    return lock;
  }
  id = TRY(new_instance(spec));
  return RangeLock::try_acquire(lock_file(), id, RangeLock::Mode::Exclusive);
}

// Under the exclusive lock. A kill in between leaves no half-filled directory under the final name.
Status CacheMounts::create(const CacheMountSpec& spec, int64_t id) {
  const std::filesystem::path draft = TRY(core_->scratch_path("cache-"));
  const std::filesystem::path data = draft / "data";
  TRY(make_directories(data));
  if (spec.populate) {
    TRY(spec.populate(data).context("fill cache mount " + spec.id));
  } else {
    if (::chown(data.c_str(), spec.uid, spec.gid) != 0) {
      return errno_error("change owner of cache mount {}", spec.id);
    }
    if (::chmod(data.c_str(), spec.mode & 07777) != 0) {
      return errno_error("change mode of cache mount {}", spec.id);
    }
  }
  const std::filesystem::path target = directory(id).parent_path();
  TRY(core_->discard_tree(target));
  if (::rename(draft.c_str(), target.c_str()) != 0) {
    return errno_error("create cache mount {}", spec.id);
  }
  return {};
}

Result<CacheMountLease> CacheMounts::acquire(const CacheMountSpec& spec, std::stop_token stop) {
  for (;;) {
    int64_t id = 0;
    std::optional<RangeLock> lock;
    if (spec.sharing == CacheMountSharing::Private) {
      lock = TRY(lock_private(spec, id));
    } else {
      id = TRY(first_instance(spec));
      const bool exclusive =
          spec.sharing == CacheMountSharing::Locked || ::access(directory(id).c_str(), F_OK) != 0;
      lock = TRY(RangeLock::acquire(
          lock_file(), id, exclusive ? RangeLock::Mode::Exclusive : RangeLock::Mode::Shared, stop));
    }
    if (!lock) continue;
    {
      // A prune may have removed it while we waited.
      auto database = core_->database().lock();
      Rows rows = TRY(database->query("SELECT 1 FROM cache_mounts WHERE id = ?", id));
      if (!TRY(rows.next())) continue;
    }
    if (::access(directory(id).c_str(), F_OK) != 0) {
      if (lock->mode() == RangeLock::Mode::Shared) continue;
      TRY(create(spec, id));
    }
    if (spec.sharing == CacheMountSharing::Shared) TRY(lock->downgrade());
    TRY(mark_used(*core_, id, true));
    return CacheMountLease(core_, id, directory(id), *std::move(lock));
  }
}

Result<bool> CacheMounts::remove(int64_t id) {
  const std::optional<RangeLock> lock =
      TRY(RangeLock::try_acquire(lock_file(), id, RangeLock::Mode::Exclusive));
  if (!lock) return false;
  TRY(core_->database().lock()->run("DELETE FROM cache_mounts WHERE id = ?", id));
  TRY(core_->discard_tree(directory(id).parent_path()));
  return true;
}

Result<bool> CacheMounts::in_use(int64_t id) const {
  return RangeLock::is_held(lock_file(), id);
}

}  // namespace slipway::store
