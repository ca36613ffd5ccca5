// A process that writes to the store is killed at random moments. What others can see must be
// whole, and nothing may be left over.
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "base/child_process.h"
#include "base/file_io.h"
#include "base/temp_dir.h"
#include "cache/local_index.h"
#include "store/disk_usage.h"
#include "store/prune.h"
#include "store/result_id.h"

namespace slipway::cache {
namespace {

namespace fs = std::filesystem;

constexpr char kRootVariable[] = "SLIPWAY_CRASH_TEST_ROOT";

solver::CacheKey key(int64_t number) {
  return {solver::KeyTier::Definition, Digest::sha256_of(std::to_string(number))};
}

// Makes a stack of layers, each with a blob and a cached result, prunes now and then, until killed.
void write_for_ever(const fs::path& root) {
  const auto store = *store::Store::open({root, false, {}});
  LocalIndex index(*store, "build");
  store::SnapshotId parent;
  std::shared_ptr<const void> pin;
  for (int64_t i = 0;; ++i) {
    const auto active = *store->snapshotter().prepare(parent);
    std::ofstream(active->layers().upper / "content") << active->layers().upper.string();
    if (i % 5 == 4) continue;  // a step that failed
    parent = *active->commit();
    pin = *store->snapshotter().pin(parent);
    const std::vector<solver::StepResult> results = {{store::to_result_id(parent), pin}};
    const solver::NewRecord record{{key(i)}, {}, key(i).digest, results, "RUN", {}};
    ASSERT_TRUE(index.save(record));
    ASSERT_TRUE(store->content().put(std::string(20'000, static_cast<char>('a' + i % 26))));
    {
      const auto lease = *store->cache_mounts().acquire({.id = std::to_string(i % 3)}, {});
      std::ofstream(lease.path() / "f") << i;
    }
    if (i % 10 == 9) {
      parent = {};
      pin.reset();
    }
    if (i % 20 == 19) {
      ASSERT_TRUE(store::prune(*store, {}, {}));
    }
    if (i % 30 == 29) {
      ASSERT_TRUE(store->barrier());
    }
  }
}

// Run by the test below in a process of its own.
TEST(CrashTest, DISABLED_Writer) {
  const char* root = ::getenv(kRootVariable);
  ASSERT_NE(root, nullptr);
  write_for_ever(root);
}

void check_records(store::Store& store, LocalIndex& index, int& found) {
  for (int64_t i = 0; i < 2000; ++i) {
    const auto record = *index.query({key(i), {}, {}, {}});
    if (!record) continue;
    const auto results = *index.load(*record);
    ASSERT_TRUE(results) << "record " << i << " has lost its snapshot";
    const auto layers = *store.snapshotter().view(*store::snapshot_of_result((*results)[0].id));
    for (const fs::path& layer : layers.lower) {
      ASSERT_EQ(*read_file(layer / "content"), layer.string());
    }
    ++found;
  }
}

void check_blobs(store::Store& store) {
  for (const auto& entry : fs::directory_iterator(store.layout().blobs() / "sha256")) {
    ASSERT_TRUE(store.content().read(Digest::from_sha256_hex(entry.path().filename().string())));
  }
}

TEST(CrashTest, AKilledProcessLeavesOnlyWholeThings) {
  const TempDir directory = *TempDir::create("/var/tmp", "slipway-crash-");
  const fs::path root = directory.path() / "store";
  std::mt19937 random(7);
  int found = 0;
  for (int round = 0; round < 12; ++round) {
    ProcessOptions options;
    options.argv = {"/proc/self/exe", "--gtest_also_run_disabled_tests",
                    "--gtest_filter=CrashTest.DISABLED_Writer"};
    options.environment = {std::string(kRootVariable) + "=" + root.string()};
    {
      ChildProcess writer = *ChildProcess::start(options);
      std::this_thread::sleep_for(std::chrono::microseconds(20'000 + random() % 150'000));
      ASSERT_TRUE(writer.send_signal(SIGKILL));
      ASSERT_EQ(writer.wait()->signal(), SIGKILL) << "the writer failed by itself";
    }
    std::vector<std::string> damage;
    auto store = *store::Store::open(
        {root, false, [&](const std::string& message) { damage.push_back(message); }});
    {
      LocalIndex index(*store, "check");
      check_records(*store, index, found);
    }
    check_blobs(*store);
    store.reset();
    EXPECT_TRUE(fs::is_empty(root / "tmp")) << "scratch of a dead process is left";
    EXPECT_TRUE(damage.empty()) << damage.front();
    if (testing::Test::HasFatalFailure()) return;
  }
  EXPECT_GT(found, 0) << "the writers were killed before they wrote anything";
  const auto store = *store::Store::open({root, false, {}});
  ASSERT_TRUE(store::prune(*store, {}, {}));
  const std::vector<store::UsageRecord> records = *store::usage_records(*store);
  for (const store::UsageRecord& record : records) {
    EXPECT_EQ(record.kind, store::UsageKind::Internal) << record.id << " survived prune";
  }
  EXPECT_EQ(store::total_bytes(records), store::disk_usage(root)->bytes);
}

}  // namespace
}  // namespace slipway::cache
