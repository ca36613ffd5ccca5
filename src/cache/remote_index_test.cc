#include "cache/remote_index.h"

#include <gtest/gtest.h>

namespace slipway::cache {
namespace {

Digest name(std::string_view text) {
  return Digest::sha256_of(text);
}

class MemoryIndex : public solver::CacheIndex {
 public:
  Result<std::optional<solver::CacheRecord>> query(const solver::KeyWithIngredients& key) override {
    const auto found = keys.find(key.key.digest);
    if (found == keys.end()) return std::optional<solver::CacheRecord>();
    return std::optional(found->second);
  }
  Result<std::optional<std::vector<solver::StepResult>>> load(
      const solver::CacheRecord& record) override {
    return std::optional(std::vector{solver::StepResult{"local " + record.id, nullptr}});
  }
  Result<std::vector<solver::KeyIngredient>> ingredients(
      const solver::CacheRecord& record) override {
    return saved_with[record.id];
  }
  Status save(const solver::NewRecord& record) override {
    for (const solver::CacheKey& key : record.keys) {
      keys[key.digest] = {record.results.at(0).id, record.identity};
    }
    return {};
  }
  Status add_key(const solver::CacheRecord& record, const solver::CacheKey& key) override {
    keys[key.digest] = record;
    return {};
  }
  Result<std::unique_ptr<solver::RunClaim>> claim(const solver::CacheKey&,
                                                  std::stop_token) override {
    return std::unique_ptr<solver::RunClaim>();
  }
  std::map<Digest, solver::CacheRecord> keys;
  std::map<std::string, std::vector<solver::KeyIngredient>> saved_with;
};

// base ──► RUN, whose result is one layer
KeyGraph graph(const char* layer) {
  CacheConfig config;
  config.layers = {{name(layer), -1}};
  config.records = {
      {record_digest(name("op base"), 0), {}, {}, {}},
      {record_digest(name("op run"), 0), {{{"", 0}}}, {{0, "2026-01-01T00:00:00Z"}}, {}}};
  Descriptor descriptor;
  descriptor.digest = name(layer);
  return {config, {{name(layer), {descriptor, name("diff")}}}};
}

solver::KeyWithIngredients key(const char* text, solver::KeyParts parts) {
  return {{solver::KeyTier::Definition, name(text)}, {}, std::move(parts), text};
}
solver::KeyWithIngredients base_key() {
  return key("base", {name("op base"), 1, {}});
}
solver::KeyWithIngredients run_key(const Digest& base = name("base")) {
  return key("run", {name("op run"), 1, {{base, {}, {}}}});
}

class RemoteIndexTest : public testing::Test {
 protected:
  MemoryIndex local_;
  RemoteIndex index_{local_};
};

TEST_F(RemoteIndexTest, AStepIsFoundRemotelyByTheStepsBelowIt) {
  index_.add_source({});
  index_.add_source({graph("layer")});
  EXPECT_FALSE(*index_.query(run_key()));  // what it stands on is not known yet
  EXPECT_FALSE(*index_.query(base_key()));
  const auto record = *index_.query(run_key());
  ASSERT_TRUE(record);
  EXPECT_EQ(record->identity, name("run"));
  const auto results = *index_.load(*record);
  const auto layers = remote_layers_of(results->at(0));
  ASSERT_NE(layers, nullptr);
  EXPECT_EQ(layers->source, 1u);
  EXPECT_EQ(layers->stack.layers.at(0).digest, name("layer"));
}

TEST_F(RemoteIndexTest, TheStoreComesFirst) {
  index_.add_source({graph("layer")});
  local_.keys[name("run")] = {"here", name("run")};
  (void)*index_.query(base_key());
  const auto record = *index_.query(run_key());
  EXPECT_EQ(remote_layers_of((*index_.load(*record))->at(0)), nullptr);
}

TEST_F(RemoteIndexTest, AnInputThatWasFoundLocallyLeadsOnToARemoteStep) {
  index_.add_source({graph("layer")});
  local_.keys[name("base")] = {"here", name("older identity")};
  (void)*index_.query(base_key());
  EXPECT_TRUE(*index_.query(run_key(name("older identity"))));
}

TEST_F(RemoteIndexTest, TheFirstSourceThatHasAResultIsUsed) {
  index_.add_source({graph("first")});
  index_.add_source({graph("second")});
  (void)*index_.query(base_key());
  const auto results = *index_.load(**index_.query(run_key()));
  EXPECT_EQ(remote_layers_of(results->at(0))->stack.layers.at(0).digest, name("first"));
}

TEST_F(RemoteIndexTest, AStepWithSeveralOutputsIsNotLookedForRemotely) {
  index_.add_source({graph("layer")});
  (void)*index_.query(base_key());
  solver::KeyWithIngredients two = run_key();
  two.parts.outputs = 2;
  EXPECT_FALSE(*index_.query(two));
}

TEST_F(RemoteIndexTest, FilesThatWereFetchedAreKeptUnderEveryKey) {
  index_.add_source({graph("layer")});
  (void)*index_.query(base_key());
  const auto record = **index_.query(run_key());
  ASSERT_TRUE(index_.add_key(record, {solver::KeyTier::Content, name("by content")}));
  const solver::StepResult remote = (*index_.load(record))->at(0);
  ASSERT_TRUE(index_.keep(remote, {"snapshot:1", nullptr}));
  EXPECT_EQ(local_.keys.at(name("run")).id, "snapshot:1");
  EXPECT_EQ(local_.keys.at(name("by content")).identity, name("run"));
}

TEST_F(RemoteIndexTest, ItKnowsHowStepsWereAskedForAndWhatTheyGave) {
  (void)*index_.query(base_key());
  solver::NewRecord record;
  record.keys = {run_key().key};
  record.parts = run_key().parts;
  record.identity = name("run");
  record.results = {{"snapshot:2", nullptr}};
  ASSERT_TRUE(index_.save(record));
  const auto base = *index_.solved_step(name("base"));
  ASSERT_TRUE(base);
  EXPECT_TRUE(base->results.empty());
  const auto run = *index_.solved_step(name("run"));
  ASSERT_TRUE(run);
  EXPECT_EQ(run->keys.at(0).inputs.at(0).identity, name("base"));
  EXPECT_EQ(run->results.at(0).id, "snapshot:2");
  EXPECT_FALSE(*index_.solved_step(name("unknown")));
}

TEST_F(RemoteIndexTest, ALazyResultIsKeptOnceItsFilesAreHere) {
  (void)*index_.query(base_key());
  solver::NewRecord record;
  record.keys = {run_key().key};
  record.parts = run_key().parts;
  record.identity = name("run");
  record.results = {{"lazy:0", nullptr}};
  ASSERT_TRUE(index_.save(record));
  EXPECT_TRUE(local_.keys.empty());
  EXPECT_EQ((*index_.solved_step(name("run")))->results.at(0).id, "lazy:0");
  ASSERT_TRUE(index_.keep(record.results[0], {"snapshot:3", nullptr}));
  EXPECT_EQ(local_.keys.at(name("run")).id, "snapshot:3");
  EXPECT_TRUE(index_.keep({"lazy:1", nullptr}, {"snapshot:4", nullptr}));  // no step's result
}

TEST_F(RemoteIndexTest, WhatAFoundStepReadIsKnownFromItsRecord) {
  local_.keys[name("run")] = {"here", name("run")};
  local_.saved_with["here"] = {{"op", name("op run")}, {"input 0 content", name("files")}};
  (void)*index_.query(run_key());
  const auto run = *index_.solved_step(name("run"));
  const std::set<std::pair<size_t, Digest>> read = {{0, record_digest(name("files"), -1)}};
  EXPECT_EQ(run->read_records, read);
}

}  // namespace
}  // namespace slipway::cache
