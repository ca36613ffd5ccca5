#include "store/link_index.h"

namespace slipway::store {

Result<LinkFamilies> LinkIndex::families(SnapshotId snapshot) {
  auto database = core_->database().lock();
  Rows rows =
      TRY(database->query("SELECT family FROM link_families WHERE snapshot = ?", snapshot.value));
  LinkFamilies families;
  while (TRY(rows.next())) families.insert(rows.integer(0));
  if (families.empty()) families.insert(snapshot.value);
  return families;
}

Status LinkIndex::add_families(SnapshotId snapshot, const LinkFamilies& families) {
  auto database = core_->database().lock();
  Transaction transaction = TRY(Transaction::begin(*database));
  for (const int64_t family : families) {
    TRY(database->run("INSERT OR IGNORE INTO link_families(snapshot, family) VALUES(?, ?)",
                      snapshot.value, family));
  }
  return transaction.commit();
}

Result<std::vector<std::pair<SnapshotId, int64_t>>> LinkIndex::all_families() {
  auto database = core_->database().lock();
  Rows rows = TRY(database->query("SELECT snapshot, family FROM link_families"));
  std::vector<std::pair<SnapshotId, int64_t>> all;
  while (TRY(rows.next())) all.emplace_back(SnapshotId{rows.integer(0)}, rows.integer(1));
  return all;
}

}  // namespace slipway::store
