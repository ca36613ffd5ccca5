#include "store/prune.h"

#include <fcntl.h>
#include <unistd.h>

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
  // du says what is on disk.
  void expect_exact() {
    ASSERT_TRUE(store_->barrier());
    ASSERT_TRUE(usage_records(*store_));  // writes down what it measures
    EXPECT_EQ(total_bytes(*usage_records(*store_)), disk_usage(directory_.path() / "s")->bytes);
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
  options.limits.max_used = total_bytes(*usage_records(*store_)) - (1500 << 10);
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
  Digest layer, config, manifest_digest, fetched, stray;
  const SnapshotId id = snapshot({}, 1);
  {
    const auto writer = *Store::open({directory_.path() / "s", false, {}});
    layer = *writer->content().put("layer");
    config = *writer->content().put("config");
    fetched = *writer->content().put("fetched");
    stray = *writer->content().put("stray");
    Manifest manifest;
    manifest.media_type = media_type::kOciManifest;
    manifest.config = {media_type::kOciConfig, config, 6};
    manifest.layers = {{media_type::kOciLayer, layer, 5}};
    const std::string json = to_json(manifest);
    manifest_digest = *writer->content().put(json);
    ASSERT_TRUE(writer->images().tag("a:1", {manifest.media_type, manifest_digest, json.size()}));
    ASSERT_TRUE(writer->layers().add_blob(
        id, kFetchedVariant, {{media_type::kOciLayerZstd, fetched, 7}, Digest::sha256_of("tar")}));
  }
  PruneOptions only_blobs;
  only_blobs.filter = [](const UsageRecord& r) { return r.kind == UsageKind::Blob; };
  EXPECT_THAT(pruned(only_blobs), ElementsAre(stray.str()));
  EXPECT_THAT(pruned({}), UnorderedElementsAre(to_result_id(id), fetched.str()));

  store_ = *Store::open({directory_.path() / "s", false, {}});  // lets go of what it has read
  EXPECT_TRUE(*store_->images().remove("a:1"));
  EXPECT_THAT(pruned({}), UnorderedElementsAre(layer.str(), config.str(), manifest_digest.str()));
}

TEST_F(PruneTest, ALayerThatCanBeMadeAgainGoesBeforeItsSnapshot) {
  constexpr int64_t kDay = int64_t{24} * 3600 * 1'000'000;
  const SnapshotId old = snapshot({}, 1 * kDay, 1024);
  const SnapshotId fresh = snapshot({}, 4 * kDay, 1024);
  Digest old_layer, fresh_layer;
  {
    const auto writer = *Store::open({directory_.path() / "s", false, {}});
    const auto add = [&](SnapshotId id, char fill) {
      const Digest digest = *writer->content().put(std::string(512 << 10, fill));
      // Blobs are as old as their files, and never older than the snapshot's last use.
      std::filesystem::last_write_time(
          writer->content().path_of(digest),
          std::chrono::file_clock::from_sys(std::chrono::sys_time<std::chrono::nanoseconds>{}));
      EXPECT_TRUE(writer->layers().add_blob(
          id, "gzip", {{media_type::kOciLayerGzip, digest, 512 << 10}, digest}));
      return digest;
    };
    old_layer = add(old, 'o');
    fresh_layer = add(fresh, 'f');
  }
  EXPECT_TRUE(usage_of(fresh_layer.str()).reproducible);
  PruneOptions options;
  const uint64_t total = total_bytes(*usage_records(*store_));
  options.limits.max_used = total - (400 << 10);
  EXPECT_THAT(pruned(options), ElementsAre(old_layer.str()));
  options.limits.max_used = total - (1000 << 10);
  EXPECT_THAT(pruned(options), ElementsAre(to_result_id(old)));
  options.limits.max_used = total - (1900 << 10);
  EXPECT_THAT(pruned(options), ElementsAre(fresh_layer.str()));
  EXPECT_TRUE(is_there(fresh));
  EXPECT_EQ(store_->layers().blobs_of(fresh)->size(), 1u) << "its digest is known still";
}

TEST_F(PruneTest, ALayerThatAnImageGotMeanwhileStays) {
  const SnapshotId id = snapshot({}, 1);
  Digest layer;
  {
    const auto writer = *Store::open({directory_.path() / "s", false, {}});
    layer = *writer->content().put("layer");
    ASSERT_TRUE(writer->layers().add_blob(id, "gzip", {{media_type::kOciLayer, layer, 5}, layer}));
  }
  PruneOptions options;
  // Asked after the records were taken.
  options.filter = [&](const UsageRecord& record) {
    if (record.id != layer.str()) return false;
    const auto builder = *Store::open({directory_.path() / "s", false, {}});
    Manifest manifest;
    manifest.media_type = media_type::kOciManifest;
    manifest.config = {media_type::kOciConfig, *builder->content().put("config"), 6};
    manifest.layers = {{media_type::kOciLayer, layer, 5}};
    const std::string json = to_json(manifest);
    const Digest digest = *builder->content().put(json);
    EXPECT_TRUE(builder->images().tag("a:1", {manifest.media_type, digest, json.size()}));
    return true;
  };
  EXPECT_THAT(pruned(options), ElementsAre());
  EXPECT_EQ(*store_->content().size(layer), 5);
}

TEST_F(PruneTest, StatIndexesGoWithAllButNotWhatABuildIsWriting) {
  const std::filesystem::path contexts = store_->layout().contexts();
  std::ofstream(contexts / "abc") << "index";
  std::ofstream(contexts / "abc.7.0.tmp") << "half";
  PruneOptions all;
  all.all = true;
  pruned(all);
  EXPECT_FALSE(std::filesystem::exists(contexts / "abc"));
  EXPECT_TRUE(std::filesystem::exists(contexts / "abc.7.0.tmp"));
}

TEST_F(PruneTest, ADamagedDatabaseThatWasSetAsideGoesWithAll) {
  const std::filesystem::path damaged = directory_.path() / "s/metadata.db.damaged-1";
  std::ofstream(damaged) << std::string(100'000, 'x');
  expect_exact();
  pruned({});
  EXPECT_TRUE(std::filesystem::exists(damaged));
  PruneOptions all;
  all.all = true;
  pruned(all);
  EXPECT_FALSE(std::filesystem::exists(damaged));
}

TEST_F(PruneTest, ABlobIsAsOldAsItsLastUse) {
  const Digest digest = *store_->content().put("config of a base image");
  const std::filesystem::path path = store_->content().path_of(digest);
  std::filesystem::last_write_time(
      path, std::chrono::file_clock::from_sys(std::chrono::sys_time<std::chrono::nanoseconds>{}));
  EXPECT_EQ(usage_of(digest.str()).last_used, 0);
  ASSERT_TRUE(*store_->content().size(digest));
  EXPECT_GT(usage_of(digest.str()).last_used, now_microseconds() - 3'600'000'000);
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
  const int sparse = ::open((directory_.path() / "s/snapshots/1/fs/sparse").c_str(),
                            O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
  ASSERT_EQ(::ftruncate(sparse, 1 << 30), 0);
  ::close(sparse);
  expect_exact();
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

TEST_F(LinkedPruneTest, AFileOfACacheMountAndSnapshotsIsCountedOnce) {
  namespace fs = std::filesystem;
  const SnapshotId first = snapshot({}, 1, 1);
  const SnapshotId second = snapshot({}, 2, 1);
  {
    const auto lease = *store_->cache_mounts().acquire({.id = "uv"}, {});
    std::ofstream(lease.path() / "wheel") << std::string(1 << 20, 'x');
    for (const SnapshotId id : {first, second}) {
      fs::create_hard_link(lease.path() / "wheel", store_->snapshotter().directory(id) / "wheel");
    }
  }
  expect_exact();
  EXPECT_GT(usage_of(to_result_id(second)).bytes, 1u << 20);
  EXPECT_GE(usage_of(to_result_id(first)).linked_bytes, 1u << 20);
  EXPECT_LT(usage_of("cache-mount:1").bytes, 100'000u);
  PruneOptions only_cache;
  only_cache.filter = [](const UsageRecord& r) { return r.kind == UsageKind::CacheMount; };
  EXPECT_LT(prune(*store_, only_cache, {})->bytes, 100'000u);
  expect_exact();
  EXPECT_GT(prune(*store_, {}, {})->bytes, 1u << 20);
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
  budget.limits.max_used = 500'000;
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
