#include "store/prune.h"

#include <algorithm>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/temp_dir.h"
#include "oci/manifest.h"
#include "store/disk_usage.h"
#include "store/result_id.h"
#include "store/snapshot_contents.h"

namespace slipway::store {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

class PruneTest : public testing::Test {
 protected:
  // A committed snapshot of `kilobytes`, last used at `when`, with a cached result that names it.
  SnapshotId snapshot(SnapshotId parent, int64_t when, size_t kilobytes = 64) {
    const auto active = *store_->snapshotter().prepare(parent);
    std::ofstream(active->layers().upper / "f") << std::string(kilobytes << 10, 'x');
    const SnapshotId id = *active->commit();
    auto database = store_->core()->database().lock();
    EXPECT_TRUE(database->run("UPDATE snapshots SET last_used = ?2 WHERE id = ?1", id.value, when));
    EXPECT_TRUE(database->run(
        "INSERT INTO records(identity, description, ingredients, build, created, last_used, uses) "
        "VALUES('i', ?1, '[]', 'b', 0, ?2, 3)",
        "RUN " + std::to_string(id.value), when));
    const int64_t record = database->last_insert_id();
    EXPECT_TRUE(database->run("INSERT INTO record_results VALUES(?, 0, ?, ?)", record,
                              to_result_id(id), id.value));
    EXPECT_TRUE(database->run("INSERT INTO record_keys VALUES(?, ?)",
                              "d " + std::to_string(id.value), record));
    return id;
  }
  std::vector<std::string> pruned(const PruneOptions& options) {
    std::vector<std::string> ids;
    const PruneReport report = *prune(*store_, options, {});
    for (const UsageRecord& record : report.removed) {
      if (record.kind != UsageKind::Internal) ids.push_back(record.id);
    }
    return ids;
  }
  bool is_there(SnapshotId id) { return store_->snapshotter().try_pin(id)->has_value(); }
  int64_t count(const char* sql) {
    auto database = store_->core()->database().lock();
    Rows rows = *database->query(sql);
    EXPECT_TRUE(*rows.next());
    return rows.integer(0);
  }
  UsageRecord usage_of(const std::string& id) {
    const std::vector<UsageRecord> records = *usage_records(*store_);
    for (const UsageRecord& record : records) {
      if (record.id == id) return record;
    }
    ADD_FAILURE() << "no usage record " << id;
    return {};
  }

  TempDir directory_ = *TempDir::create("/var/tmp", "slipway-prune-");
  std::unique_ptr<Store> store_ = *Store::open({directory_.path() / "s", false, {}});
};

TEST_F(PruneTest, RemovesEverythingThatNobodyUses) {
  const SnapshotId base = snapshot({}, 1);
  const SnapshotId top = snapshot(base, 2);
  {
    EXPECT_TRUE(store_->cache_mounts().acquire({.id = "uv"}, {}));
  }
  EXPECT_THAT(pruned({}), ElementsAre(to_result_id(top), to_result_id(base), "cache-mount:1"));
  EXPECT_FALSE(is_there(base));
  EXPECT_FALSE(is_there(top));
  EXPECT_EQ(count("SELECT count(*) FROM records"), 0);
  EXPECT_EQ(count("SELECT count(*) FROM record_keys"), 0);
  EXPECT_EQ(count("SELECT count(*) FROM cache_mounts"), 0);
}

TEST_F(PruneTest, KeepsWhatAnotherProcessHasPinnedAndWhatItStandsOn) {
  const auto other = *Store::open({directory_.path() / "s", false, {}});
  const SnapshotId base = snapshot({}, 1);
  const SnapshotId used = snapshot(base, 2);
  const SnapshotId above = snapshot(used, 3);
  const auto pin = *other->snapshotter().pin(used);
  const auto lease = *other->cache_mounts().acquire({.id = "uv"}, {});
  EXPECT_TRUE(usage_of(to_result_id(base)).in_use);
  EXPECT_FALSE(usage_of(to_result_id(above)).in_use);
  EXPECT_THAT(pruned({}), ElementsAre(to_result_id(above)));
  EXPECT_TRUE(is_there(used));
  EXPECT_TRUE(is_there(base));
}

TEST_F(PruneTest, KeepsWhatARunningStepStandsOn) {
  const SnapshotId base = snapshot({}, 1);
  const auto active = *store_->snapshotter().prepare(base);
  EXPECT_THAT(pruned({}), ElementsAre());
  EXPECT_TRUE(active->commit());
}

TEST_F(PruneTest, RemovesByAge) {
  const SnapshotId old = snapshot({}, 10);
  const SnapshotId fresh = snapshot({}, 20);
  PruneOptions options;
  options.used_before = 15;
  EXPECT_THAT(pruned(options), ElementsAre(to_result_id(old)));
  EXPECT_TRUE(is_there(fresh));
}

TEST_F(PruneTest, KeepsTheLatestWithinABudget) {
  const SnapshotId oldest = snapshot({}, 1, 1024);
  const SnapshotId middle = snapshot({}, 2, 1024);
  const SnapshotId newest = snapshot({}, 3, 1024);
  PruneOptions options;
  options.keep_bytes = total_bytes(*usage_records(*store_)) - (1500 << 10);
  EXPECT_THAT(pruned(options), ElementsAre(to_result_id(oldest), to_result_id(middle)));
  EXPECT_TRUE(is_there(newest));
}

TEST_F(PruneTest, ADryRunOnlyTells) {
  const SnapshotId id = snapshot({}, 1);
  PruneOptions options;
  options.dry_run = true;
  EXPECT_THAT(pruned(options), ElementsAre(to_result_id(id)));
  EXPECT_TRUE(is_there(id));
}

TEST_F(PruneTest, AFilterDecides) {
  snapshot({}, 1);
  const SnapshotId second = snapshot({}, 2);
  PruneOptions options;
  options.filter = [&](const UsageRecord& r) { return r.id == to_result_id(second); };
  EXPECT_THAT(pruned(options), ElementsAre(to_result_id(second)));
}

TEST_F(PruneTest, LayersOfImagesGoOnlyWithAll) {
  const SnapshotId layer = snapshot({}, 1);
  ASSERT_TRUE(store_->layers().add_chain(Digest::sha256_of("chain"), layer));
  EXPECT_THAT(pruned({}), ElementsAre());
  PruneOptions all;
  all.all = true;
  EXPECT_THAT(pruned(all), ElementsAre(to_result_id(layer)));
  EXPECT_FALSE(*store_->layers().find_chain(Digest::sha256_of("chain")));
}

TEST_F(PruneTest, ABlobStaysForAsLongAsAnImageOrASnapshotNeedsIt) {
  Digest layer, config, manifest_digest, compressed, stray;
  const SnapshotId id = snapshot({}, 1);
  {
    const auto writer = *Store::open({directory_.path() / "s", false, {}});
    layer = *writer->content().put("layer");
    config = *writer->content().put("config");
    compressed = *writer->content().put("compressed");
    stray = *writer->content().put("stray");
    Manifest manifest;
    manifest.media_type = media_type::kOciManifest;
    manifest.config = {media_type::kOciConfig, config, 6};
    manifest.layers = {{media_type::kOciLayer, layer, 5}};
    const std::string json = to_json(manifest);
    manifest_digest = *writer->content().put(json);
    ASSERT_TRUE(writer->images().tag("a:1", {manifest.media_type, manifest_digest, json.size()}));
    ASSERT_TRUE(writer->layers().add_blob(
        id, "zstd", {{media_type::kOciLayerZstd, compressed, 10}, Digest::sha256_of("tar")}));
  }
  PruneOptions only_blobs;
  only_blobs.filter = [](const UsageRecord& r) { return r.kind == UsageKind::Blob; };
  EXPECT_THAT(pruned(only_blobs), ElementsAre(stray.str()));
  EXPECT_THAT(pruned({}), UnorderedElementsAre(to_result_id(id), compressed.str()));

  store_ = *Store::open({directory_.path() / "s", false, {}});  // lets go of what it has read
  EXPECT_TRUE(*store_->images().remove("a:1"));
  EXPECT_THAT(pruned({}), UnorderedElementsAre(layer.str(), config.str(), manifest_digest.str()));
}

TEST_F(PruneTest, ABlobBeingUsedStays) {
  const auto other = *Store::open({directory_.path() / "s", false, {}});
  const Digest digest = *other->content().put("in transfer");
  EXPECT_THAT(pruned({}), ElementsAre());
  EXPECT_EQ(*other->content().read(digest), "in transfer");
}

TEST_F(PruneTest, DirectoriesThatNothingKnowsGo) {
  for (const char* stray : {"snapshots/777/fs", "cache-mounts/777/data"}) {
    std::filesystem::create_directories(directory_.path() / "s" / stray);
  }
  pruned({});
  EXPECT_FALSE(std::filesystem::exists(directory_.path() / "s/snapshots/777"));
  EXPECT_FALSE(std::filesystem::exists(directory_.path() / "s/cache-mounts/777"));
}

TEST_F(PruneTest, UsageEqualsTheDisk) {
  const SnapshotId base = snapshot({}, 1, 100);
  snapshot(base, 2, 200);
  ASSERT_TRUE(store_->content().put(std::string(100'000, 'x')));
  {
    const auto lease = *store_->cache_mounts().acquire({.id = "uv"}, {});
    std::ofstream(lease.path() / "big") << std::string(50'000, 'x');
    std::filesystem::create_hard_link(lease.path() / "big", lease.path() / "again");
  }
  const auto active = *store_->snapshotter().prepare(base);
  ASSERT_TRUE(store_->barrier());
  ASSERT_TRUE(usage_records(*store_));  // writes down what it measures
  const uint64_t counted = total_bytes(*usage_records(*store_));
  EXPECT_EQ(counted, disk_usage(directory_.path() / "s")->bytes);
}

// A snapshot whose file "f" is that of another one.
class LinkedPruneTest : public PruneTest {
 protected:
  SnapshotId linked_to(SnapshotId other, int64_t when) {
    const SnapshotId id = snapshot({}, when, 1);
    const std::filesystem::path file = store_->snapshotter().directory(id) / "f";
    std::filesystem::remove(file);
    std::filesystem::create_hard_link(store_->snapshotter().directory(other) / "f", file);
    EXPECT_TRUE(store_->links().add_families(id, *store_->links().families(other)));
    return id;
  }
  void expect_exact() {
    ASSERT_TRUE(store_->barrier());
    ASSERT_TRUE(usage_records(*store_));  // writes down what it measures
    EXPECT_EQ(total_bytes(*usage_records(*store_)), disk_usage(directory_.path() / "s")->bytes);
  }
};

TEST_F(LinkedPruneTest, ALinkedFileIsCountedOnceAndInTheNewest) {
  const SnapshotId first = snapshot({}, 1, 1000);
  const SnapshotId second = linked_to(first, 2);
  const SnapshotId third = linked_to(second, 3);
  ASSERT_TRUE(SnapshotContents::write(store_->snapshotter().directory(third), {{1, {}}}));
  expect_exact();
  EXPECT_LT(usage_of(to_result_id(first)).bytes, 100'000u);
  EXPECT_LT(usage_of(to_result_id(second)).bytes, 100'000u);
  EXPECT_GT(usage_of(to_result_id(third)).bytes, 1'000'000u);
}

TEST_F(LinkedPruneTest, PruningFreesWhatItSaysWhicheverGoesFirst) {
  const SnapshotId first = snapshot({}, 5, 1000);
  const SnapshotId second = linked_to(first, 2);  // goes first, though it is the newest
  PruneOptions options;
  options.used_before = 4;
  PruneReport report = *prune(*store_, options, {});
  EXPECT_LT(report.bytes, 100'000u);
  EXPECT_FALSE(is_there(second));
  expect_exact();
  EXPECT_EQ(std::filesystem::file_size(store_->snapshotter().directory(first) / "f"), 1000u << 10);
  report = *prune(*store_, {}, {});
  EXPECT_GT(report.bytes, 1'000'000u);
  expect_exact();
}

TEST_F(LinkedPruneTest, TheFilesOutliveTheSnapshotThatMadeThem) {
  const SnapshotId first = snapshot({}, 1, 1000);
  const SnapshotId second = linked_to(first, 5);
  PruneOptions options;
  options.used_before = 4;
  EXPECT_LT(prune(*store_, options, {})->bytes, 100'000u);
  EXPECT_FALSE(is_there(first));
  EXPECT_EQ(std::filesystem::file_size(store_->snapshotter().directory(second) / "f"), 1000u << 10);
  expect_exact();
  // The budget counts what is on disk, so this one has to go as well.
  PruneOptions budget;
  budget.keep_bytes = 500'000;
  ASSERT_TRUE(prune(*store_, budget, {}));
  EXPECT_FALSE(is_there(second));
}

TEST_F(PruneTest, UsageNamesTheStep) {
  const SnapshotId id = snapshot({}, 7);
  const UsageRecord record = usage_of(to_result_id(id));
  EXPECT_EQ(record.description, "RUN " + std::to_string(id.value));
  EXPECT_EQ(record.last_used, 7);
  EXPECT_EQ(record.uses, 3);
  EXPECT_TRUE(record.reclaimable());
}

}  // namespace
}  // namespace slipway::store
