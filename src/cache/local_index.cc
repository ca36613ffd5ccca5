#include "cache/local_index.h"

#include <charconv>

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "store/result_id.h"

namespace slipway::cache {
namespace {

using store::Rows;
using store::Transaction;

class StepClaim : public solver::RunClaim {
 public:
  explicit StepClaim(store::RangeLock lock) : lock_(std::move(lock)) {}

 private:
  store::RangeLock lock_;
};

std::string key_text(const solver::CacheKey& key) {
  switch (key.tier) {
    case solver::KeyTier::Definition:
      return "d " + key.digest.str();
    case solver::KeyTier::Content:
      return "c " + key.digest.str();
    case solver::KeyTier::Trace:
      return "t " + key.digest.str();
  }
  CHECK(false);
}

int64_t row_of(const solver::CacheRecord& record) {
  int64_t row = 0;
  const char* const end = record.id.data() + record.id.size();
  const auto [stop, error] = std::from_chars(record.id.data(), end, row);
  CHECK(error == std::errc() && stop == end);
  return row;
}

std::string ingredients_json(const std::vector<solver::KeyIngredient>& ingredients) {
  nlohmann::json list = nlohmann::json::array();
  for (const solver::KeyIngredient& ingredient : ingredients) {
    list.push_back({{"what", ingredient.what}, {"digest", ingredient.digest.str()}});
  }
  // Names may hold file names, which are any bytes.
  return list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// Points `key` at `record`; a record that thereby has no key left can never be found: removed.
Status set_key(store::Database& database, const solver::CacheKey& key, int64_t record) {
  const std::string text = key_text(key);
  int64_t old_record = 0;
  {
    Rows rows = TRY(database.query("SELECT record FROM record_keys WHERE key = ?", text));
    if (TRY(rows.next())) old_record = rows.integer(0);
  }
  if (old_record == record) return {};
  TRY(database.run("INSERT OR REPLACE INTO record_keys(key, record) VALUES(?, ?)", text, record));
  if (old_record == 0) return {};
  const int64_t removed =
      TRY(database.run("DELETE FROM records WHERE id = ?1 AND NOT EXISTS"
                       "(SELECT 1 FROM record_keys WHERE record = ?1)",
                       old_record));
  if (removed > 0) TRY(database.run("DELETE FROM record_results WHERE record = ?", old_record));
  return {};
}

}  // namespace

LocalIndex::LocalIndex(store::Store& store, std::string build)
    : store_(store), build_(std::move(build)) {}

LocalIndex::~LocalIndex() {
  (void)flush().has_value();
}

Result<std::optional<solver::CacheRecord>> LocalIndex::query(
    const solver::KeyWithIngredients& key) {
  auto database = store_.core()->database().lock();
  Rows rows = TRY(database->query(
      "SELECT records.id, identity FROM record_keys JOIN records ON records.id = record "
      "WHERE key = ?",
      key_text(key.key)));
  if (!TRY(rows.next())) return std::optional<solver::CacheRecord>();
  solver::CacheRecord record;
  record.id = std::to_string(rows.integer(0));
  record.identity = TRY(Digest::parse(rows.view(1)));
  return std::optional<solver::CacheRecord>(std::move(record));
}

Result<std::optional<std::vector<solver::StepResult>>> LocalIndex::load(
    const solver::CacheRecord& record) {
  using Loaded = std::optional<std::vector<solver::StepResult>>;
  const int64_t row = row_of(record);
  std::vector<solver::StepResult> results;
  {
    auto database = store_.core()->database().lock();
    Rows rows = TRY(
        database->query("SELECT result FROM record_results WHERE record = ? ORDER BY output", row));
    while (TRY(rows.next())) results.push_back({rows.text(0), nullptr});
  }
  if (results.empty()) return Loaded();
  for (solver::StepResult& result : results) {
    const std::optional<store::SnapshotId> snapshot = store::snapshot_of_result(result.id);
    if (!snapshot) continue;
    std::optional<std::shared_ptr<const void>> pin = TRY(store_.snapshotter().try_pin(*snapshot));
    if (!pin) {
      TRY(drop(row));
      return Loaded();
    }
    result.keep_alive = *std::move(pin);
  }
  ++(*used_.lock())[row];
  return Loaded(std::move(results));
}

Status LocalIndex::drop(int64_t record) {
  std::string description;
  bool existed = false;
  {
    auto database = store_.core()->database().lock();
    Transaction transaction = TRY(Transaction::begin(*database));
    {
      Rows rows = TRY(database->query("SELECT description FROM records WHERE id = ?", record));
      existed = TRY(rows.next());
      if (existed) description = rows.text(0);
    }
    TRY(database->run("DELETE FROM record_keys WHERE record = ?", record));
    TRY(database->run("DELETE FROM record_results WHERE record = ?", record));
    TRY(database->run("DELETE FROM records WHERE id = ?", record));
    TRY(transaction.commit());
  }
  // A prune removes records before snapshots; a record that outlived its snapshot is damage.
  if (existed) {
    store_.core()->report_damage("cached result of \"" + description +
                                 "\" is gone from the store: the step runs again");
  }
  return {};
}

Result<std::vector<solver::KeyIngredient>> LocalIndex::ingredients(
    const solver::CacheRecord& record) {
  std::string text = "[]";
  {
    auto database = store_.core()->database().lock();
    Rows rows =
        TRY(database->query("SELECT ingredients FROM records WHERE id = ?", row_of(record)));
    if (TRY(rows.next())) text = rows.text(0);
  }
  std::vector<solver::KeyIngredient> ingredients;
  const nlohmann::json list = nlohmann::json::parse(text, nullptr, false);
  if (!list.is_array()) return ingredients;
  for (const nlohmann::json& item : list) {
    if (!item.is_object()) continue;
    auto digest = Digest::parse(item.value("digest", ""));
    if (digest) ingredients.push_back({item.value("what", ""), *std::move(digest)});
  }
  return ingredients;
}

Status LocalIndex::save(const solver::NewRecord& record) {
  CHECK(!record.keys.empty() && !record.results.empty());
  auto database = store_.core()->database().lock();
  Transaction transaction = TRY(Transaction::begin(*database));
  TRY(database->run(
      "INSERT INTO records(identity, description, ingredients, build, created, last_used, uses, "
      "unsafe_boot) VALUES(?, ?, ?, ?, ?5, ?5, 0, ?6)",
      record.identity.str(), record.description, ingredients_json(record.ingredients), build_,
      store::now_microseconds(), store_.core()->boot_id()));
  const int64_t row = database->last_insert_id();
  for (size_t output = 0; output < record.results.size(); ++output) {
    const std::string& id = record.results[output].id;
    const std::optional<store::SnapshotId> snapshot = store::snapshot_of_result(id);
    const bool counts = snapshot && !snapshot->is_scratch();
    TRY(database->run(
        "INSERT INTO record_results(record, output, result, snapshot) VALUES(?, ?, ?, ?)", row,
        static_cast<int64_t>(output), id,
        counts ? std::optional<int64_t>(snapshot->value) : std::nullopt));
  }
  for (const solver::CacheKey& key : record.keys) TRY(set_key(*database, key, row));
  TRY(transaction.commit());
  store_.core()->mark_dirty();
  return {};
}

Status LocalIndex::add_key(const solver::CacheRecord& record, const solver::CacheKey& key) {
  const int64_t row = row_of(record);
  auto database = store_.core()->database().lock();
  Transaction transaction = TRY(Transaction::begin(*database));
  {
    Rows rows = TRY(database->query("SELECT 1 FROM records WHERE id = ?", row));
    if (!TRY(rows.next())) return {};  // pruned meanwhile: nothing to find
  }
  TRY(set_key(*database, key, row));
  return transaction.commit();
}

Result<std::unique_ptr<solver::RunClaim>> LocalIndex::claim(const solver::CacheKey& key,
                                                            std::stop_token stop) {
  store::RangeLock lock = TRY(store_.claim("step " + key_text(key), std::move(stop)));
  return std::unique_ptr<solver::RunClaim>(std::make_unique<StepClaim>(std::move(lock)));
}

Status LocalIndex::flush() {
  const std::unordered_map<int64_t, int64_t> used = std::exchange(*used_.lock(), {});
  if (used.empty()) return {};
  auto database = store_.core()->database().lock();
  Transaction transaction = TRY(Transaction::begin(*database));
  const int64_t now = store::now_microseconds();
  for (const auto& [record, uses] : used) {
    TRY(database->run("UPDATE records SET last_used = ?2, uses = uses + ?3 WHERE id = ?1", record,
                      now, uses));
  }
  return transaction.commit();
}

}  // namespace slipway::cache
