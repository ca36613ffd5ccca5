#include "store/covered_rows.h"

#include "store/unsafe_marker.h"

namespace slipway::store {
namespace {

struct UnsafeTable {
  const char* select;
  const char* trust;
  const char* distrust;  // no boot has this id
};

// AUTOINCREMENT gives no id twice: where a row becomes unsafe once, it needs no stamp.
constexpr std::array<UnsafeTable, 4> kUnsafeTables = {{
    {"SELECT id, 0 FROM snapshots WHERE unsafe_boot IS NOT NULL",
     "UPDATE snapshots SET unsafe_boot = NULL WHERE id = ?1 AND ?2 = 0",
     "UPDATE snapshots SET unsafe_boot = 'lost' WHERE unsafe_boot IS NOT NULL AND committed = 1"},
    {"SELECT id, created FROM blobs WHERE unsafe_boot IS NOT NULL",
     "UPDATE blobs SET unsafe_boot = NULL WHERE id = ?1 AND created = ?2",
     "UPDATE blobs SET unsafe_boot = 'lost' WHERE unsafe_boot IS NOT NULL"},
    {"SELECT id, 0 FROM records WHERE unsafe_boot IS NOT NULL",
     "UPDATE records SET unsafe_boot = NULL WHERE id = ?1 AND ?2 = 0",
     "UPDATE records SET unsafe_boot = 'lost' WHERE unsafe_boot IS NOT NULL"},
    {"SELECT id, last_used FROM cache_mounts WHERE unsafe_boot IS NOT NULL",
     "UPDATE cache_mounts SET unsafe_boot = NULL WHERE id = ?1 AND last_used = ?2",
     "UPDATE cache_mounts SET unsafe_boot = 'lost' WHERE unsafe_boot IS NOT NULL"},
}};
constexpr size_t kCacheMounts = 3;

}  // namespace

Result<CoveredRows> CoveredRows::note(Core& core, const CacheMounts& mounts) {
  CoveredRows covered;
  {
    auto database = core.database().lock();
    for (size_t i = 0; i < kTables; ++i) {
      Rows rows = TRY(database->query(kUnsafeTables[i].select));
      while (TRY(rows.next())) covered.rows_[i].push_back({rows.integer(0), rows.integer(1)});
    }
  }
  // A use that begins after this moves the stamp.
  std::vector<Row> unused;
  for (const Row& row : covered.rows_[kCacheMounts]) {
    if (!TRY(mounts.in_use(row.id))) unused.push_back(row);
  }
  covered.rows_[kCacheMounts] = std::move(unused);
  return covered;
}

Status CoveredRows::trust(Core& core) const {
  auto database = core.database().lock();
  Transaction transaction = TRY(Transaction::begin(*database));
  for (size_t i = 0; i < kTables; ++i) {
    for (const Row& row : rows_[i]) {
      const int64_t trusted = TRY(database->run(kUnsafeTables[i].trust, row.id, row.stamp));
      // While the transaction keeps others from beginning a use.
      if (i == kCacheMounts && trusted > 0) {
        TRY(remove_unsafe_marker(core.layout().cache_mount(row.id)));
      }
    }
  }
  TRY(transaction.commit());
  return database->checkpoint();
}

Status distrust_unsafe_rows(Database& database) {
  for (const UnsafeTable& table : kUnsafeTables) TRY(database.run(table.distrust));
  return {};
}

}  // namespace slipway::store
