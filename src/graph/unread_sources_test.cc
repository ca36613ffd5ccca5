#include "graph/unread_sources.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::graph {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class UnreadSources : public testing::Test {
 protected:
  Edge image(const std::string& name) {
    return builder_.add(SourceOp{"docker-image://" + name, {}}, {}, std::nullopt, {});
  }
  Edge merge(std::vector<Edge> inputs) {
    MergeOp op;
    for (size_t i = 0; i < inputs.size(); ++i) op.inputs.push_back(static_cast<int64_t>(i));
    return builder_.add(op, std::move(inputs), std::nullopt, {});
  }
  Edge run(Edge base) {
    ExecOp exec;
    exec.mounts = {Mount{.input = 0, .dest = "/", .output = 0}};
    return builder_.add(exec, {base}, std::nullopt, {});
  }
  std::vector<VertexIndex> unread(Edge root) {
    return unread_sources(std::move(builder_).build(root));
  }

  DefinitionBuilder builder_;
};

TEST_F(UnreadSources, AnImageThatIsTheResultItself) {
  EXPECT_THAT(unread(image("base")), ElementsAre(0u));
}

// base ── merge ── merge        other ── merge (on top)
TEST_F(UnreadSources, AnImageThatLayersAreMergedOnto) {
  const Edge first = merge({image("base"), run(image("tools"))});
  const Edge root = merge({first, image("other")});
  EXPECT_THAT(unread(root), ElementsAre(0u));
}

// base ── merge ── run
TEST_F(UnreadSources, NotWhatAStepAboveReads) {
  EXPECT_THAT(unread(run(merge({image("base"), image("other")}))), IsEmpty());
}

}  // namespace
}  // namespace slipway::graph
