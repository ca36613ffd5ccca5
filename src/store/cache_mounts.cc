#include "store/cache_mounts.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/file_io.h"
#include "store/cache_merge.h"
#include "store/cache_survey.h"
#include "store/unsafe_marker.h"

namespace slipway::store {
namespace {

// Until a barrier that finds it unused, a crash of the machine may have torn its files.
Status mark_used(Core& core, int64_t id, bool begins) {
  core.mark_dirty();
  TRY(core.database().lock()->run(
      "UPDATE cache_mounts SET last_used = ?2, uses = uses + ?3, unsafe_boot = ?4 WHERE id = ?1",
      id, now_microseconds(), begins ? 1 : 0, core.boot_id()));
  // After the row: a barrier that finds the row as it was removes the marker of before.
  return make_unsafe_marker(core.layout().cache_mount(id));
}

// Values of the column `linking`: steps that had the cache in their overlay and linked nothing out
// of it, up to kNobodyLinks; or:
constexpr int64_t kLinked = -1;
constexpr int64_t kNobodyLinks = 3;

// Overlayfs refers to a lower file by its path, in at most 256 bytes (its parameter redirect_max).
constexpr size_t kLongestReference = 250;

std::filesystem::path changes_beside(const std::filesystem::path& directory) {
  return directory.parent_path() / "changes";
}

bool is_there(const std::filesystem::path& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

Status merge_beside(Core& core, const std::filesystem::path& directory) {
  return merge_changes(changes_beside(directory), directory,
                       [&core]() -> Result<std::filesystem::path> {
                         const std::filesystem::path away = TRY(core.scratch_path("gone-"));
                         core.remove_later(away);
                         return away;
                       });
}

}  // namespace

CacheMountLease::~CacheMountLease() {
  if (core_) (void)mark_used(*core_, id_, false).has_value();
}

Status CacheMountLease::expect_links() {
  may_be_joined_ = false;
  TRY(core_->database().lock()->run("UPDATE cache_mounts SET linking = ?2 WHERE id = ?1", id_,
                                    kLinked));
  return {};
}

// Once renamed the changes are the cache's: whoever finds them completes the merge.
Status CacheMountLease::merge(const std::filesystem::path& changes) {
  if (::rename(changes.c_str(), changes_beside(path_).c_str()) != 0) {
    return errno_error("merge {}", changes.string());
  }
  return merge_beside(*core_, path_);
}

Status CacheMountLease::note(const CacheMountOutcome& outcome) {
  if (outcome.linked_outside) TRY(expect_links());
  TRY(core_->database().lock()->run(
      "UPDATE cache_mounts SET longest_path = max(longest_path, ?2), linking = CASE "
      "WHEN linking < 0 THEN linking WHEN ?3 THEN ?4 ELSE min(linking + 1, ?4) END WHERE id = ?1",
      id_, static_cast<int64_t>(outcome.longest_path), outcome.linked_inside ? 1 : 0,
      kNobodyLinks));
  return {};
}

// A linked one stays linked: files that it kept may be a snapshot's.
Status CacheMountLease::note_replaced() {
  const CacheSurvey found = TRY(survey_cache(path_));
  TRY(core_->database().lock()->run(
      "UPDATE cache_mounts SET longest_path = ?2, "
      "linking = CASE WHEN linking < 0 THEN linking WHEN ?3 THEN 0 ELSE ?4 END WHERE id = ?1",
      id_, static_cast<int64_t>(found.longest_path), found.fits_overlay ? 1 : 0, kNobodyLinks));
  return {};
}

bool CacheMounts::Knowledge::is_open() const {
  return linking >= 0 && linking < kNobodyLinks;
}

std::filesystem::path CacheMounts::directory(int64_t id) const {
  return core_->layout().cache_mount(id) / fmt::format(".slipway-cache-{}", id);
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
  const std::filesystem::path data = draft / directory(id).filename();
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
  TRY(make_unsafe_marker(draft));
  const std::filesystem::path target = core_->layout().cache_mount(id);
  TRY(core_->discard_tree(target));
  if (::rename(draft.c_str(), target.c_str()) != 0) {
    return errno_error("create cache mount {}", spec.id);
  }
  return {};
}

Result<std::optional<CacheMounts::Knowledge>> CacheMounts::knowledge(int64_t id) {
  auto database = core_->database().lock();
  Rows rows =
      TRY(database->query("SELECT linking, longest_path FROM cache_mounts WHERE id = ?", id));
  if (!TRY(rows.next())) return std::optional<Knowledge>();
  return std::optional<Knowledge>({rows.integer(0), static_cast<size_t>(rows.integer(1))});
}

Status CacheMounts::remember(int64_t id, const Knowledge& knowledge) {
  TRY(core_->database().lock()->run(
      "UPDATE cache_mounts SET linking = ?2, longest_path = ?3 WHERE id = ?1", id,
      knowledge.linking, static_cast<int64_t>(knowledge.longest_path)));
  return {};
}

// Shared files may be seen only from below. A cache of which nothing is known is tried.
bool CacheMounts::wants_below(const CacheMountSpec& spec, const Knowledge& knowledge) {
  if (spec.readonly) return false;
  return knowledge.is_linked() || (spec.linkable && knowledge.is_open());
}

Result<bool> CacheMounts::needs_repair(int64_t id) const {
  return !is_there(directory(id)) || is_there(changes_beside(directory(id)));
}

// Changes first: a crash may have happened while they replaced the directory.
Status CacheMounts::settle(int64_t id) {
  const std::filesystem::path path = directory(id);
  if (is_there(changes_beside(path))) {
    TRY(mark_used(*core_, id, false));
    TRY(merge_beside(*core_, path));
  }
  if (is_there(path)) return {};
  // The name that directories had before.
  const std::filesystem::path earlier = path.parent_path() / "data";
  if (::rename(earlier.c_str(), path.c_str()) != 0 && errno != ENOENT) {
    return errno_error("rename {}", earlier.string());
  }
  return {};
}

// Under the exclusive lock.
Status CacheMounts::repair(const CacheMountSpec& spec, int64_t id) {
  TRY(settle(id));
  if (is_there(directory(id))) return {};
  TRY(mark_used(*core_, id, false));
  return create(spec, id);
}

Status CacheMounts::survey(int64_t id, Knowledge& knowledge) {
  const CacheSurvey found = TRY(survey_cache(directory(id)));
  knowledge.longest_path = found.longest_path;
  if (!found.fits_overlay) knowledge.linking = kNobodyLinks;
  return remember(id, knowledge);
}

// Under the lock, exclusive where wants_below().
Result<CacheMountLease> CacheMounts::lease(const CacheMountSpec& spec, int64_t id,
                                           Knowledge knowledge, RangeLock lock) {
  bool below = wants_below(spec, knowledge);
  if (below && knowledge.linking == 0) {
    TRY(survey(id, knowledge));
    below = knowledge.is_open();
  }
  const bool short_enough =
      spec.destination_length + 1 + knowledge.longest_path <= kLongestReference;
  if (below && !knowledge.is_linked() && !short_enough) {
    below = false;
    knowledge.linking = kNobodyLinks;
    TRY(remember(id, knowledge));
  }
  // What is used in place may get any content: to be surveyed before the next try.
  if (!below && !spec.readonly && knowledge.is_open() && knowledge.linking > 0) {
    knowledge.linking = 0;
    TRY(remember(id, knowledge));
  }
  if (!below && spec.sharing == CacheMountSharing::Shared) TRY(lock.downgrade());
  TRY(mark_used(*core_, id, true));
  CacheMountLease lease(core_, id, directory(id), std::move(lock));
  if (below) lease.use_ = CacheMountUse::Below;
  lease.linkable_ = below && spec.linkable && short_enough;
  lease.may_be_joined_ = below && knowledge.is_open() && spec.sharing == CacheMountSharing::Shared;
  return lease;
}

Result<std::optional<CacheMountLease>> CacheMounts::try_acquire(const CacheMountSpec& spec) {
  using Found = std::optional<CacheMountLease>;
  int64_t id = 0;
  std::optional<RangeLock> lock;
  const auto must_be_alone = [&](const Knowledge& known) -> Result<bool> {
    return spec.sharing != CacheMountSharing::Shared || wants_below(spec, known) ||
           TRY(needs_repair(id));
  };
  if (spec.sharing == CacheMountSharing::Private) {
    lock = TRY(lock_private(spec, id));
  } else {
    id = TRY(first_instance(spec));
    const std::optional<Knowledge> known = TRY(knowledge(id));
    if (!known) return Found();
    lock = TRY(RangeLock::try_acquire(
        lock_file(), id,
        TRY(must_be_alone(*known)) ? RangeLock::Mode::Exclusive : RangeLock::Mode::Shared));
  }
  if (!lock) return Found();
  // Again: a prune may have removed it, a step may have linked out of it, before we had the lock.
  const std::optional<Knowledge> known = TRY(knowledge(id));
  if (!known) return Found();
  if (lock->mode() == RangeLock::Mode::Shared && TRY(must_be_alone(*known))) return Found();
  if (TRY(needs_repair(id))) TRY(repair(spec, id));
  return Found(TRY(lease(spec, id, *known, *std::move(lock))));
}

Result<CacheMountLease> CacheMounts::acquire(const CacheMountSpec& spec, std::stop_token stop) {
  auto pause = std::chrono::milliseconds(1);
  for (;;) {
    std::optional<CacheMountLease> lease = TRY(try_acquire(spec));
    if (lease) return *std::move(lease);
    if (stop.stop_requested()) {
      return make_error(ErrorCode::Cancelled, "wait for cache mount {}: cancelled", spec.id);
    }
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, std::chrono::milliseconds(50));
  }
}

Result<bool> CacheMounts::remove(int64_t id) {
  const std::optional<RangeLock> lock =
      TRY(RangeLock::try_acquire(lock_file(), id, RangeLock::Mode::Exclusive));
  if (!lock) return false;
  TRY(core_->database().lock()->run("DELETE FROM cache_mounts WHERE id = ?", id));
  TRY(core_->discard_tree(core_->layout().cache_mount(id)));
  return true;
}

Result<bool> CacheMounts::in_use(int64_t id) const {
  return RangeLock::is_held(lock_file(), id);
}

}  // namespace slipway::store
