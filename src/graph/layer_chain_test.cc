#include "graph/layer_chain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::graph {
namespace {

using ::testing::ElementsAre;

class LayerChain : public testing::Test {
 protected:
  Edge image(const std::string& name) {
    return builder_.add(SourceOp{"docker-image://" + name, {}}, {}, std::nullopt, {});
  }
  // RUN on `base`; `from` is mounted beside it.
  Edge run(const std::string& command, Edge base, Edge from) {
    ExecOp exec;
    exec.args = {command};
    exec.mounts = {Mount{.input = 1, .dest = "/from", .output = kNone},
                   Mount{.input = 0, .dest = "/", .output = 0}};
    return builder_.add(exec, {base, from}, std::nullopt, {});
  }
  // COPY --from=`from` a b, as two actions on `base`.
  Edge copy(Edge base, Edge from) {
    FileOp file;
    file.actions = {
        FileAction{.input = 0, .secondary_input = 1, .action = FileCopy{.src = "a"}},
        FileAction{.input = 2, .secondary_input = 1, .output = 0, .action = FileCopy{.src = "b"}}};
    return builder_.add(file, {base, from}, std::nullopt, {});
  }

  DefinitionBuilder builder_;
};

// base ── run ── copy ── run        other ── run (copied from and mounted)
TEST_F(LayerChain, FollowsWhatAStepChangesNotWhatItReads) {
  const Edge other = run("other", image("other"), image("tools"));
  const Edge base = image("base");
  const Edge first = run("first", base, other);
  const Edge copied = copy(first, other);
  const Edge last = run("last", copied, other);
  const Definition definition = std::move(builder_).build(last);
  std::vector<std::string> names;
  for (const Edge& edge : layer_chain(definition, *definition.root())) {
    names.push_back(definition.vertex(edge.vertex).name());
  }
  EXPECT_THAT(names, ElementsAre("last", testing::_, "first", "docker-image://base"));
}

TEST_F(LayerChain, ScratchEndsIt) {
  FileOp file;
  file.actions = {FileAction{.output = 0, .action = FileMkdir{.path = "/d"}}};
  const Edge made = builder_.add(file, {}, std::nullopt, {});
  const Definition definition = std::move(builder_).build(made);
  EXPECT_EQ(layer_chain(definition, *definition.root()).size(), 1u);
}

TEST_F(LayerChain, OfAMergeTheFirstInputCounts) {
  const Edge base = image("base");
  const Edge other = image("other");
  const Edge merged = builder_.add(MergeOp{{0, 1}}, {base, other}, std::nullopt, {});
  const Definition definition = std::move(builder_).build(merged);
  const std::vector<Edge> chain = layer_chain(definition, *definition.root());
  ASSERT_EQ(chain.size(), 2u);
  EXPECT_EQ(definition.vertex(chain[1].vertex).name(), "docker-image://base");
}

}  // namespace
}  // namespace slipway::graph
