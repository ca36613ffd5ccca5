#include "cache/key_graph.h"

#include <gtest/gtest.h>

namespace slipway::cache {
namespace {

Digest name(std::string_view text) {
  return Digest::sha256_of(text);
}

// source ──input 0──► RUN      files read of "context" ──input 1──► COPY ◄──input 0── source
CacheConfig config() {
  CacheConfig config;
  config.layers = {{name("base layer"), -1}, {name("run layer"), 0}, {name("copy layer"), 0}};
  config.records = {
      {record_digest(name("source"), 0), {}, {}, {}},
      {record_digest(name("RUN"), 0), {{{"", 0}}}, {{1, "2026-01-01T00:00:00Z"}}, {}},
      {record_digest(name("content"), -1), {}, {}, {}},
      {record_digest(name("COPY"), 0),
       {{{"", 0}}, {{"", 2}, {name("selector").str(), 1}}},
       {{2, "2026-01-01T00:00:00Z"}},
       {}},
  };
  return config;
}

std::map<Digest, CachedLayer> layers() {
  std::map<Digest, CachedLayer> layers;
  for (const char* text : {"base layer", "run layer", "copy layer"}) {
    Descriptor descriptor;
    descriptor.digest = name(text);
    layers[name(text)] = {descriptor, name(std::string(text) + " diff")};
  }
  return layers;
}

class KeyGraphTest : public testing::Test {
 protected:
  KeyGraph::Items find(const solver::KeyParts& key) {
    return graph_.find(key, [this](const Digest& identity) -> const KeyGraph::Items* {
      const auto items = known_.find(identity);
      return items == known_.end() ? nullptr : &items->second;
    });
  }
  KeyGraph graph_{config(), layers()};
  std::map<Digest, KeyGraph::Items> known_ = {{name("step source"), {0}}};
};

TEST_F(KeyGraphTest, AStepIsFoundByTheStepsItStandsOn) {
  EXPECT_EQ(find({name("source"), 1, {}}), KeyGraph::Items{0});
  EXPECT_EQ(find({name("RUN"), 1, {{name("step source"), {}, {}}}}), KeyGraph::Items{1});
  EXPECT_TRUE(find({name("RUN"), 1, {{name("step other"), {}, {}}}}).empty());
  EXPECT_TRUE(find({name("RUN 2"), 1, {{name("step source"), {}, {}}}}).empty());
}

TEST_F(KeyGraphTest, AStepIsFoundByTheContentThatItReads) {
  const solver::KeyInput base{name("step source"), {}, {}};
  const solver::KeyInput context{name("this build's context"), name("selector"), name("content")};
  EXPECT_EQ(find({name("COPY"), 1, {base, context}}), KeyGraph::Items{3});
  const solver::KeyInput changed{context.identity, context.selector, name("other content")};
  EXPECT_TRUE(find({name("COPY"), 1, {base, changed}}).empty());
}

TEST_F(KeyGraphTest, ASelectorIsPartOfALink) {
  known_[name("step run")] = {1};
  const solver::KeyInput base{name("step source"), {}, {}};
  EXPECT_EQ(find({name("COPY"), 1, {base, {name("step run"), name("selector"), {}}}}),
            KeyGraph::Items{3});
  EXPECT_TRUE(find({name("COPY"), 1, {base, {name("step run"), name("other"), {}}}}).empty());
}

TEST_F(KeyGraphTest, AllInputsMustLeadToOneRecord) {
  const solver::KeyInput other{name("step other"), {}, {}};
  const solver::KeyInput context{name("context"), name("selector"), name("content")};
  EXPECT_TRUE(find({name("COPY"), 1, {other, context}}).empty());
}

TEST_F(KeyGraphTest, AResultIsALayerWithAllBelowIt) {
  const auto result = graph_.result({1});
  ASSERT_TRUE(result);
  ASSERT_EQ(result->layers.size(), 2u);
  EXPECT_EQ(result->layers[0].digest, name("base layer"));
  EXPECT_EQ(result->diff_ids[1], name("run layer diff"));
  EXPECT_FALSE(graph_.result({0, 2}));
}

TEST_F(KeyGraphTest, AResultWithALayerThatIsNotThereIsNone) {
  std::map<Digest, CachedLayer> some = layers();
  some.erase(name("base layer"));
  EXPECT_FALSE(KeyGraph(config(), some).result({1}));
}

TEST_F(KeyGraphTest, TheNewestResultCounts) {
  CacheConfig two = config();
  two.records[1].chains = {{{2}, "2026-01-02T00:00:00Z"}};
  EXPECT_EQ(KeyGraph(two, layers()).result({1})->layers.at(0).digest, name("copy layer"));
}

}  // namespace
}  // namespace slipway::cache
