#include "store/store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <vector>

#include "base/check.h"
#include "base/file_io.h"
#include "base/text.h"
#include "store/recovery.h"
#include "store/reserve.h"
#include "store/schema.h"
#include "store/unsafe_marker.h"

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

struct UnsafeTable {
  const char* select;
  const char* trust;
  const char* distrust;  // what is finished: no boot has this id
};
constexpr std::array<UnsafeTable, 3> kUnsafeTables = {{
    {"SELECT id FROM snapshots WHERE unsafe_boot IS NOT NULL",
     "UPDATE snapshots SET unsafe_boot = NULL WHERE id = ?",
     "UPDATE snapshots SET unsafe_boot = 'lost' WHERE unsafe_boot IS NOT NULL AND committed = 1"},
    {"SELECT id FROM blobs WHERE unsafe_boot IS NOT NULL",
     "UPDATE blobs SET unsafe_boot = NULL WHERE id = ?",
     "UPDATE blobs SET unsafe_boot = 'lost' WHERE unsafe_boot IS NOT NULL"},
    {"SELECT id FROM records WHERE unsafe_boot IS NOT NULL",
     "UPDATE records SET unsafe_boot = NULL WHERE id = ?",
     "UPDATE records SET unsafe_boot = 'lost' WHERE unsafe_boot IS NOT NULL"},
}};

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

Result<std::vector<Store::UnusedMount>> Store::unsafe_unused_mounts() {
  std::vector<UnusedMount> mounts;
  {
    auto database = core_->database().lock();
    Rows rows = TRY(
        database->query("SELECT id, last_used FROM cache_mounts WHERE unsafe_boot IS NOT NULL"));
    while (TRY(rows.next())) mounts.push_back({rows.integer(0), rows.integer(1)});
  }
  std::vector<UnusedMount> unused;
  for (const UnusedMount& mount : mounts) {
    if (!TRY(cache_mounts_.in_use(mount.id))) unused.push_back(mount);
  }
  return unused;
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
  const off_t left = notes_left();
  if (!core_->take_dirty() && left == 0) return {};
  Status done = sync_and_trust();
  if (!done) {
    core_->mark_dirty();
    return done;
  }
  // Who has left a note since then wrote rows that the sync may not have seen.
  const RangeLock lock = TRY(claim(kNotes, {}));
  if (left != 0 && notes_left() == left) ::unlink(layout().unsynced().c_str());
  return {};
}

Status Store::leave_barrier() {
  core_->remove_now();
  if (!core_->take_dirty()) return {};
  const RangeLock lock = TRY(claim(kNotes, {}));
  const UniqueFd notes = TRY(open_file(layout().unsynced(), O_WRONLY | O_CREAT | O_APPEND, 0600));
  return write_all(notes.get(), ".");
}

// How often a barrier was left to others since the last one; 0 when there is none to make.
off_t Store::notes_left() const {
  struct stat notes;
  return ::stat(layout().unsynced().c_str(), &notes) == 0 ? notes.st_size : 0;
}

// Some of what was written since the last barrier may be gone, and nobody can say what: the kernel
// gives up pages that it could not write.
Status Store::distrust() {
  auto database = core_->database().lock();
  Transaction transaction = TRY(Transaction::begin(*database));
  for (const UnsafeTable& table : kUnsafeTables) TRY(database->run(table.distrust));
  TRY(database->run("UPDATE cache_mounts SET unsafe_boot = 'lost' WHERE unsafe_boot IS NOT NULL"));
  TRY(database->run("UPDATE meta SET value = '' WHERE name = 'boot_id'"));
  return transaction.commit();
}

Status Store::sync_and_trust() {
  // Rows are written after what they speak of: what is unsafe and has a row now is covered by the
  // sync below. By id, because a row of a lower id may become unsafe while the sync runs.
  std::vector<std::vector<int64_t>> covered;
  std::vector<UnusedMount> mounts = TRY(unsafe_unused_mounts());
  {
    auto database = core_->database().lock();
    for (const UnsafeTable& table : kUnsafeTables) {
      std::vector<int64_t>& ids = covered.emplace_back();
      Rows rows = TRY(database->query(table.select));
      while (TRY(rows.next())) ids.push_back(rows.integer(0));
    }
  }
  const UniqueFd root = TRY(open_file(layout().root(), O_RDONLY | O_DIRECTORY));
  if (::syncfs(root.get()) != 0) {
    const Error failed = errno_error("sync {}", layout().root().string());
    TRY(distrust());
    return failed;
  }
  auto database = core_->database().lock();
  Transaction transaction = TRY(Transaction::begin(*database));
  for (size_t i = 0; i < covered.size(); ++i) {
    for (const int64_t id : covered[i]) TRY(database->run(kUnsafeTables[i].trust, id));
  }
  for (const UnusedMount& mount : mounts) {
    // A use since then has moved last_used.
    const int64_t trusted = TRY(
        database->run("UPDATE cache_mounts SET unsafe_boot = NULL WHERE id = ? AND last_used = ?",
                      mount.id, mount.last_used));
    // While the transaction keeps others from beginning a use.
    if (trusted > 0) TRY(remove_unsafe_marker(layout().cache_mount(mount.id)));
  }
  TRY(transaction.commit());
  return database->checkpoint();
}

}  // namespace slipway::store
