#include "cache/local_index.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "base/temp_dir.h"
#include "store/result_id.h"

namespace slipway::cache {
namespace {

solver::CacheKey key(std::string_view name, solver::KeyTier tier = solver::KeyTier::Definition) {
  return {tier, Digest::sha256_of(name)};
}

solver::KeyWithIngredients asked(std::string_view name,
                                 solver::KeyTier tier = solver::KeyTier::Definition) {
  return {.key = key(name, tier), .ingredients = {}, .parts = {}, .step = {}};
}

class LocalIndexTest : public testing::Test {
 protected:
  solver::StepResult snapshot() {
    const auto active = *store_->snapshotter().prepare({});
    const store::SnapshotId id = *active->commit();
    return {store::to_result_id(id), *store_->snapshotter().pin(id)};
  }
  solver::NewRecord record(std::vector<solver::CacheKey> keys,
                           std::vector<solver::StepResult> results) {
    return {keys,
            {},
            keys.front().digest,
            std::move(results),
            "RUN true",
            {{"op", Digest::sha256_of("o")}}};
  }
  size_t record_count() {
    auto database = store_->core()->database().lock();
    store::Rows rows = *database->query("SELECT count(*) FROM records");
    EXPECT_TRUE(*rows.next());
    return static_cast<size_t>(rows.integer(0));
  }

  TempDir directory_ = *TempDir::create("/var/tmp", "slipway-index-");
  std::vector<std::string> damage_;
  std::unique_ptr<store::Store> store_ = *store::Store::open(
      {directory_.path(), false, [this](const std::string& m) { damage_.push_back(m); }});
  LocalIndex index_{*store_, "build-1"};
};

TEST_F(LocalIndexTest, ASavedRecordIsFoundUnderEachOfItsKeys) {
  const solver::StepResult result = snapshot();
  ASSERT_TRUE(index_.save(record({key("a"), key("b", solver::KeyTier::Content)}, {result, {}})));
  const auto found = *index_.query(asked("b", solver::KeyTier::Content));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->identity, key("a").digest);
  const auto results = *index_.load(*found);
  ASSERT_TRUE(results);
  ASSERT_EQ(results->size(), 2);
  EXPECT_EQ((*results)[0].id, result.id);
  EXPECT_NE((*results)[0].keep_alive, nullptr);
  EXPECT_EQ((*results)[1].id, "");
  EXPECT_FALSE(*index_.query(asked("b")));
}

TEST_F(LocalIndexTest, ARecordWhoseSnapshotIsGoneIsDroppedAndReported) {
  const solver::StepResult result = snapshot();
  ASSERT_TRUE(index_.save(record({key("a")}, {result})));
  std::filesystem::remove_all(
      store_->snapshotter().directory(*store::snapshot_of_result(result.id)).parent_path());
  const auto found = *index_.query(asked("a"));
  ASSERT_TRUE(found);
  EXPECT_FALSE(*index_.load(*found));
  EXPECT_FALSE(*index_.query(asked("a")));
  EXPECT_EQ(damage_.size(), 1);
}

TEST_F(LocalIndexTest, AnotherKeyCanBeAdded) {
  ASSERT_TRUE(index_.save(record({key("a")}, {snapshot()})));
  ASSERT_TRUE(index_.add_key(**index_.query(asked("a")), key("b")));
  EXPECT_EQ((*index_.query(asked("b")))->id, (*index_.query(asked("a")))->id);
}

TEST_F(LocalIndexTest, ANewerRecordTakesTheKeyOver) {
  const solver::StepResult second = snapshot();
  ASSERT_TRUE(index_.save(record({key("a")}, {snapshot()})));
  ASSERT_TRUE(index_.save(record({key("a")}, {second})));
  EXPECT_EQ((**index_.load(**index_.query(asked("a"))))[0].id, second.id);
  EXPECT_EQ(record_count(), 1);
}

TEST_F(LocalIndexTest, RecordsAreSharedBetweenProcesses) {
  const auto other_store = *store::Store::open({directory_.path(), false, {}});
  LocalIndex other(*other_store, "build-2");
  ASSERT_TRUE(index_.save(record({key("a")}, {snapshot()})));
  EXPECT_TRUE(*other.query(asked("a")));
  const auto claim = *index_.claim(key("c"), {});
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(other.claim(key("c"), stop.get_token()).error().code(), ErrorCode::Cancelled);
}

TEST_F(LocalIndexTest, UsesAreCounted) {
  ASSERT_TRUE(index_.save(record({key("a")}, {snapshot()})));
  const auto found = **index_.query(asked("a"));
  ASSERT_TRUE(*index_.load(found));
  ASSERT_TRUE(*index_.load(found));
  ASSERT_TRUE(index_.flush());
  auto database = store_->core()->database().lock();
  store::Rows rows = *database->query("SELECT uses FROM records");
  ASSERT_TRUE(*rows.next());
  EXPECT_EQ(rows.integer(0), 2);
}

}  // namespace
}  // namespace slipway::cache
