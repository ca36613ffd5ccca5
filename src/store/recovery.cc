#include "store/recovery.h"

#include <dirent.h>
#include <unistd.h>

#include <set>
#include <string>
#include <vector>

#include "base/file_io.h"
#include "store/unsafe_marker.h"

namespace slipway::store {
namespace {

Result<std::string> last_boot(Database& database) {
  Rows rows = TRY(database.query("SELECT value FROM meta WHERE name = 'boot_id'"));
  if (!TRY(rows.next())) return std::string();
  return rows.text(0);
}

Result<std::vector<std::string>> list_directory(const std::filesystem::path& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::opendir(path.c_str()), ::closedir);
  if (!listing) return errno_error("list {}", path.string());
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(listing.get())) {
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  return names;
}

Result<std::set<std::string>> names_in(Database& database, const char* sql) {
  Rows rows = TRY(database.query(sql));
  std::set<std::string> names;
  while (TRY(rows.next())) names.insert(rows.text(0));
  return names;
}

struct NamedRow {
  int64_t id;
  std::string name;  // of its file or directory
};

Result<std::vector<NamedRow>> named_rows(Database& database, const char* sql) {
  Rows rows = TRY(database.query(sql));
  std::vector<NamedRow> all;
  while (TRY(rows.next())) all.push_back({rows.integer(0), rows.text(1)});
  return all;
}

// A prune deletes rows, then files; of both, the machine may have lost only the first.
Status drop_rows_without_files(Database& database, const std::filesystem::path& directory,
                               const char* select, const char* remove) {
  const std::vector<std::string> names = TRY(list_directory(directory));
  const std::set<std::string> found(names.begin(), names.end());
  for (const NamedRow& row : TRY(named_rows(database, select))) {
    if (!found.contains(row.name)) TRY(database.run(remove, row.id));
  }
  return {};
}

Status drop_rows_without_files(Database& database, const Layout& layout) {
  TRY(drop_rows_without_files(database, layout.snapshots(), "SELECT id, id FROM snapshots",
                              "DELETE FROM snapshots WHERE id = ?"));
  TRY(drop_rows_without_files(database, layout.cache_mounts(), "SELECT id, id FROM cache_mounts",
                              "DELETE FROM cache_mounts WHERE id = ?"));
  return drop_rows_without_files(database, layout.blobs() / "sha256",
                                 "SELECT id, substr(digest, 8) FROM blobs",
                                 "DELETE FROM blobs WHERE id = ?");
}

Status drop_unsafe_rows(Database& database, const std::string& boot) {
  TRY(database.run("DELETE FROM snapshots WHERE unsafe_boot IS NOT NULL AND unsafe_boot <> ?",
                   boot));
  TRY(database.run("DELETE FROM blobs WHERE unsafe_boot IS NOT NULL AND unsafe_boot <> ?", boot));
  TRY(database.run("DELETE FROM records WHERE unsafe_boot IS NOT NULL AND unsafe_boot <> ?", boot));
  TRY(database.run("DELETE FROM cache_mounts WHERE unsafe_boot IS NOT NULL AND unsafe_boot <> ?",
                   boot));
  return {};
}

// Of which the row has lost what it said.
Status drop_marked_caches(Database& database, const Layout& layout) {
  for (const std::string& name : TRY(list_directory(layout.cache_mounts()))) {
    if (!has_unsafe_marker(layout.cache_mounts() / name)) continue;
    TRY(database.run("DELETE FROM cache_mounts WHERE id = ?", name));
  }
  return {};
}

// Again and again, what stands on a row that is gone.
Status drop_dependent_rows(Database& database) {
  while (TRY(database.run("DELETE FROM snapshots WHERE parent <> 0 AND committed = 1 AND "
                          "parent NOT IN (SELECT id FROM snapshots)")) > 0) {
  }
  TRY(database.run("DELETE FROM images WHERE digest NOT IN (SELECT digest FROM blobs)"));
  TRY(database.run("DELETE FROM chains WHERE snapshot NOT IN (SELECT id FROM snapshots)"));
  TRY(database.run("DELETE FROM layer_blobs WHERE snapshot NOT IN (SELECT id FROM snapshots)"));
  TRY(database.run("DELETE FROM content_digests WHERE snapshot NOT IN (SELECT id FROM snapshots)"));
  TRY(database.run("DELETE FROM link_families WHERE snapshot NOT IN (SELECT id FROM snapshots)"));
  TRY(database.run("DELETE FROM latest_copies WHERE snapshot NOT IN (SELECT id FROM snapshots)"));
  TRY(
      database.run("DELETE FROM records WHERE id IN (SELECT record FROM record_results WHERE "
                   "snapshot IS NOT NULL AND snapshot NOT IN (SELECT id FROM snapshots))"));
  TRY(database.run("DELETE FROM record_results WHERE record NOT IN (SELECT id FROM records)"));
  TRY(database.run("DELETE FROM record_keys WHERE record NOT IN (SELECT id FROM records)"));
  return {};
}

// Blobs are renamed into place before they get their row, so this needs the write lock (see below).
Status remove_unknown_blobs(Core& core, Database& database) {
  const std::filesystem::path directory = core.layout().blobs() / "sha256";
  const std::vector<std::string> blobs = TRY(list_directory(directory));
  const std::set<std::string> known =
      TRY(names_in(database, "SELECT substr(digest, 8) FROM blobs"));
  for (const std::string& name : blobs) {
    if (!known.contains(name)) ::unlink((directory / name).c_str());
  }
  return {};
}

Status remove_unknown(Core& core, Database& database, const std::filesystem::path& directory,
                      const char* known_sql) {
  // The listing before the rows: what is listed had its row before.
  const std::vector<std::string> found = TRY(list_directory(directory));
  const std::set<std::string> known = TRY(names_in(database, known_sql));
  for (const std::string& name : found) {
    if (name == "empty" || known.contains(name)) continue;
    // Out of sight at once, but removed at the end: others wait for the write lock.
    const std::filesystem::path away = TRY(core.scratch_path("gone-"));
    if (::rename((directory / name).c_str(), away.c_str()) != 0 && errno != ENOENT) {
      return errno_error("remove {}", (directory / name).string());
    }
    core.remove_later(away);
  }
  return {};
}

}  // namespace

Status remove_unknown_directories(Core& core, Database& database) {
  TRY(remove_unknown(core, database, core.layout().snapshots(), "SELECT id FROM snapshots"));
  return remove_unknown(core, database, core.layout().cache_mounts(),
                        "SELECT id FROM cache_mounts");
}

Status recover_after_boot(Core& core) {
  auto database = core.database().lock();
  if (TRY(last_boot(*database)) == core.boot_id()) return {};
  // The write lock keeps every other process from adding rows meanwhile, so that "no row" means "no
  // owner".
  Transaction transaction = TRY(Transaction::begin(*database));
  if (TRY(last_boot(*database)) == core.boot_id()) return {};
  TRY(drop_unsafe_rows(*database, core.boot_id()));
  TRY(drop_marked_caches(*database, core.layout()));
  TRY(drop_rows_without_files(*database, core.layout()));
  TRY(drop_dependent_rows(*database));
  TRY(remove_unknown_blobs(core, *database));
  TRY(remove_unknown_directories(core, *database));
  TRY(database->run("INSERT OR REPLACE INTO meta(name, value) VALUES('boot_id', ?)",
                    core.boot_id()));
  return transaction.commit();
}

}  // namespace slipway::store
