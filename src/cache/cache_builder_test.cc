#include "cache/cache_builder.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace slipway::cache {
namespace {

Digest name(std::string_view text) {
  return Digest::sha256_of(text);
}

// base ──► RUN ──► COPY ◄── a directory of this build, read by content
class CacheBuilderTest : public testing::Test {
 protected:
  CacheBuilderTest() {
    add("base", {name("op base"), 1, {}});
    add("run", {name("op run"), 1, {{name("base"), {}, {}}}});
    add("copy",
        {name("op copy"), 1, {{name("run"), {}, {}}, {name("directory"), name("s"), name("c")}}});
  }
  void add(const char* identity, solver::KeyParts key) {
    steps_[name(identity)].keys.push_back(std::move(key));
    steps_[name(identity)].results = {{identity, nullptr}};
  }
  static LayerStack stack(std::vector<const char*> layers) {
    LayerStack stack;
    stack.created = "2026-01-01T00:00:00Z";
    for (const char* layer : layers) {
      stack.layers.emplace_back().digest = name(layer);
      stack.diff_ids.push_back(name(layer));
    }
    return stack;
  }
  BuiltCache build() {
    const std::vector<Digest> roots = {name("copy")};
    return *build_cache(
        roots,
        [this](const Digest& identity) -> Result<std::optional<SolvedStep>> {
          const auto step = steps_.find(identity);
          return step == steps_.end() ? std::nullopt : std::optional(step->second);
        },
        [this](const SolvedStep& step) -> Result<std::optional<LayerStack>> {
          const auto layers = layers_.find(step.results.at(0).id);
          if (layers == layers_.end()) return std::optional<LayerStack>();
          return std::optional(layers->second);
        });
  }
  static std::optional<uint32_t> record_index(const BuiltCache& built, const Digest& digest) {
    for (uint32_t i = 0; i < built.config.records.size(); ++i) {
      if (built.config.records[i].digest == digest) return i;
    }
    return std::nullopt;
  }
  // The cache that was built, read again.
  static KeyGraph graph_of(const BuiltCache& built) {
    std::map<Digest, CachedLayer> layers;
    for (const Descriptor& blob : built.blobs) layers[blob.digest] = {blob, blob.digest};
    return {*parse_cache_config(to_json(built.config)), layers};
  }

  std::map<Digest, SolvedStep> steps_;
  std::map<std::string, LayerStack> layers_ = {{"run", stack({"base layer", "run layer"})},
                                               {"copy", stack({"base layer", "run layer", "top"})}};
};

TEST_F(CacheBuilderTest, WhatWasBuiltIsFoundAgain) {
  const BuiltCache built = build();
  EXPECT_EQ(built.config.records.size(), 4u);
  EXPECT_EQ(built.config.layers.size(), 3u);
  const KeyGraph graph = graph_of(built);
  std::map<Digest, KeyGraph::Items> known;
  const auto find = [&](const solver::KeyParts& key) {
    return graph.find(key, [&](const Digest& identity) -> const KeyGraph::Items* {
      const auto items = known.find(identity);
      return items == known.end() ? nullptr : &items->second;
    });
  };
  known[name("base")] = find(steps_.at(name("base")).keys[0]);
  known[name("run")] = find(steps_.at(name("run")).keys[0]);
  const auto copy = find(
      {name("op copy"), 1, {{name("run"), {}, {}}, {name("elsewhere"), name("s"), name("c")}}});
  ASSERT_EQ(copy.size(), 1u);
  EXPECT_EQ(graph.result(copy)->layers.back().digest, name("top"));
  EXPECT_EQ(graph.result(known[name("run")])->layers.size(), 2u);
}

TEST_F(CacheBuilderTest, AStepThatOnlyThisBuildCanNameIsLeftOut) {
  steps_[name("copy")].keys = {
      {name("op copy"), 1, {{name("run"), {}, {}}, {name("directory"), {}, {}}}}};
  EXPECT_EQ(build().config.records.size(), 2u);
}

TEST_F(CacheBuilderTest, AStepThatWasAskedForInTwoWaysHasTwoRecords) {
  add("copy", {name("op copy"), 1, {{name("run"), {}, {}}, {name("base"), name("s"), {}}}});
  const BuiltCache built = build();
  EXPECT_EQ(built.config.records.size(), 5u);
  EXPECT_EQ(built.config.layers.size(), 3u);
}

TEST_F(CacheBuilderTest, AnIdentityThatLeadsBackToItselfEnds) {
  add("base", {name("op other"), 1, {{name("copy"), {}, {}}}});
  EXPECT_EQ(build().config.records.size(), 4u);
}

TEST_F(CacheBuilderTest, WhatWasReadWhenAStepFirstRanIsKept) {
  steps_[name("copy")].keys = {
      {name("op copy"), 1, {{name("run"), {}, {}}, {name("base"), name("s"), {}}}}};
  steps_[name("copy")].read_records = {{1, record_digest(name("c"), -1)}};
  const BuiltCache built = build();
  EXPECT_EQ(built.config.records.size(), 4u);
  const KeyGraph graph = graph_of(built);
  const KeyGraph::Items run = {*record_index(built, record_digest(name("op run"), 0))};
  const solver::KeyParts by_content{
      name("op copy"), 1, {{name("run"), {}, {}}, {name("elsewhere"), name("s"), name("c")}}};
  const auto known = [&](const Digest& identity) {
    return identity == name("run") ? &run : nullptr;
  };
  EXPECT_EQ(graph.find(by_content, known).size(), 1u);
}

TEST_F(CacheBuilderTest, SourcesHaveNoResults) {
  layers_["base"] = stack({"base layer"});
  for (const ConfigRecord& record : build().config.records) {
    EXPECT_EQ(record.results.empty(), record.inputs.empty());
  }
}

TEST_F(CacheBuilderTest, TheOrderInWhichKeysWereLearntDoesNotShow) {
  add("copy", {name("op copy"), 1, {{name("run"), {}, {}}, {name("base"), name("s"), {}}}});
  const BuiltCache first = build();
  std::ranges::reverse(steps_[name("copy")].keys);
  EXPECT_EQ(to_json(build().config), to_json(first.config));
}

TEST_F(CacheBuilderTest, AnInlineCacheKnowsTheLayersOfItsImageOnly) {
  const BuiltCache built = build();
  const auto records =
      inline_records(built, {name("base layer"), name("run layer"), name("another")});
  size_t results = 0;
  for (const ConfigRecord& record : records) {
    results += record.results.size();
    for (const ConfigResult& result : record.results) EXPECT_EQ(result.layer, 1u);
  }
  EXPECT_EQ(results, 1u);
  EXPECT_TRUE(inline_records(built, {name("another")}).empty());
}

TEST_F(CacheBuilderTest, LayersFromTheMiddleOfAnImageAreAChain) {
  layers_ = {{"copy", stack({"top"})}};
  const auto records = inline_records(build(), {name("base layer"), name("top")});
  size_t chains = 0;
  for (const ConfigRecord& record : records) {
    chains += record.chains.size();
    for (const ConfigChain& chain : record.chains) {
      EXPECT_EQ(chain.layers, std::vector<size_t>{1});
    }
  }
  EXPECT_EQ(chains, 1u);
}

}  // namespace
}  // namespace slipway::cache
