#include "store/store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file_io.h"
#include "base/text.h"
#include "store/covered_rows.h"
#include "store/recovery.h"
#include "store/reserve.h"
#include "store/schema.h"

namespace slipway::store {
namespace {

constexpr std::string_view kNotes = "notes of barriers that are left to others";
constexpr off_t kLongLog = 1 << 20;  // bytes; reading it takes a millisecond

Result<std::string> boot_id() {
  return std::string(trim(TRY(read_file("/proc/sys/kernel/random/boot_id"))));
}

// Opens the database; a damaged one is set aside, so that the store starts anew instead of failing
// every build.
Result<Database> open_database(const Layout& layout, const Core::DamageHandler& on_damage) {
  Result<Database> database = Database::open(layout.database(), kMigrations);
  if (database || database.error().code() != ErrorCode::Internal) return database;
  const std::string aside = layout.damaged_database() + std::to_string(now_microseconds());
  if (::rename(layout.database().c_str(), aside.c_str()) != 0) return database;
  for (const char* suffix : {"-wal", "-shm"}) {
    ::unlink((layout.database().string() + suffix).c_str());
  }
  if (on_damage) {
    on_damage(fmt::format("{}; set aside as {}, starting with an empty store",
                          database.error().message(), aside));
  }
  return Database::open(layout.database(), kMigrations);
}

}  // namespace

Store::Store(std::shared_ptr<Core> core)
    : core_(std::move(core)),
      content_(core_),
      snapshotter_(core_),
      layers_(core_),
      pieces_(core_),
      links_(core_),
      images_(core_),
      cache_mounts_(core_),
      trash_(core_) {}

Result<std::unique_ptr<Store>> Store::open(StoreOptions options) {
  CHECK(options.root.is_absolute());
  const Layout layout(std::move(options.root));
  TRY(layout.create().context("open store"));
  Database database = TRY(open_database(layout, options.on_damage).context("open store"));
  auto core =
      std::make_shared<Core>(layout, std::move(database), TRY(PinSet::open(layout.pins())),
                             TRY(boot_id()), options.rootless, std::move(options.on_damage));
  TRY(recover_after_boot(*core).context("open store"));
  // Builds that write nothing but use counts leave no reason for a barrier, yet the log grows.
  struct stat log;
  if (::stat((layout.database().string() + "-wal").c_str(), &log) == 0 && log.st_size > kLongLog) {
    core->mark_dirty();
  }
  std::unique_ptr<Store> store(new Store(std::move(core)));
  keep_reserve(layout.root());
  TRY(ProcessDir::remove_dead(layout.tmp()).context("open store"));
  TRY(store->snapshotter_.remove_dead().context("open store"));
  return store;
}

Result<std::filesystem::path> Store::scratch_path(std::string_view prefix) {
  return core_->scratch_path(prefix);
}

Result<TempDir> Store::scratch_directory(std::string_view prefix) {
  return TempDir::create(TRY(scratch_path(prefix)).parent_path(), prefix);
}

Result<RangeLock> Store::claim(std::string_view name, std::stop_token stop) {
  return RangeLock::acquire(core_->layout().claims(), lock_byte(name), RangeLock::Mode::Exclusive,
                            std::move(stop));
}

Status Store::sync_metadata() {
  for (const char* suffix : {"", "-wal"}) {
    Result<UniqueFd> file = open_file(layout().database().string() + suffix, O_RDONLY);
    if (!file && file.error().code() == ErrorCode::NotFound) continue;
    if (!file) return file.error();
    if (::fdatasync(file->get()) != 0) return errno_error("sync the database");
  }
  return {};
}

Status Store::barrier() {
  core_->remove_now();
  const Notes left = notes_left();
  if (!core_->take_dirty() && left.count == 0) return {};
  Status done = sync_and_trust();
  if (!done) {
    core_->mark_dirty();
    return done;
  }
  // Who has left a note since then wrote rows that the sync may not have seen.
  const RangeLock lock = TRY(claim(kNotes, {}));
  if (left.count != 0 && notes_left() == left) ::unlink(layout().unsynced().c_str());
  return {};
}

Status Store::leave_barrier() {
  core_->remove_now();
  if (!core_->take_dirty()) return {};
  const RangeLock lock = TRY(claim(kNotes, {}));
  const UniqueFd notes = TRY(open_file(layout().unsynced(), O_WRONLY | O_CREAT | O_APPEND, 0600));
  return write_all(notes.get(), ".");
}

// When the last of them was left tells as many notes apart from those of before a barrier that
// another process made meanwhile.
Store::Notes Store::notes_left() const {
  struct stat notes;
  if (::stat(layout().unsynced().c_str(), &notes) != 0) return {};
  return {notes.st_size, notes.st_mtim.tv_sec * 1'000'000'000 + notes.st_mtim.tv_nsec};
}

// Some of what was written since the last barrier may be gone, and nobody can say what: the kernel
// gives up pages that it could not write.
Status Store::distrust() {
  auto database = core_->database().lock();
  Transaction transaction = TRY(Transaction::begin(*database));
  TRY(distrust_unsafe_rows(*database));
  TRY(database->run("UPDATE meta SET value = '' WHERE name = 'boot_id'"));
  return transaction.commit();
}

Status Store::sync_and_trust() {
  const CoveredRows covered = TRY(CoveredRows::note(*core_, cache_mounts_));
  const UniqueFd root = TRY(open_file(layout().root(), O_RDONLY | O_DIRECTORY));
  if (::syncfs(root.get()) != 0) {
    const Error failed = errno_error("sync {}", layout().root().string());
    TRY(distrust());
    return failed;
  }
  return covered.trust(*core_);
}

}  // namespace slipway::store
