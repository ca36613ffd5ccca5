#include "graph/definition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/proto.h"

namespace slipway::graph {
namespace {

using ::testing::ElementsAre;

Op image(std::string name) {
  return SourceOp{"docker-image://" + name, {}};
}

Op run(std::string command) {
  ExecOp exec;
  exec.args = {std::move(command)};
  exec.cwd = "/";
  exec.mounts = {Mount{.input = 0, .dest = "/", .output = 0}};
  return exec;
}

VertexMetadata named(std::string name) {
  VertexMetadata metadata;
  metadata.description[kCustomName] = std::move(name);
  return metadata;
}

std::vector<std::string> names(const Definition& definition) {
  std::vector<std::string> names;
  for (const Vertex& vertex : definition.vertices()) names.push_back(vertex.name());
  return names;
}

TEST(DefinitionBuilder, stores_equal_vertices_once_and_merges_their_metadata) {
  DefinitionBuilder builder;
  VertexMetadata first = named("one");
  first.locations = {{0, {{1, 0, 1, 0}}}};
  VertexMetadata second = named("two");
  second.locations = {{0, {{7, 0, 8, 0}}}};
  builder.add_file({"Dockerfile", "", "Dockerfile"});
  const Edge a = builder.add(image("a"), {}, std::nullopt, first);
  EXPECT_EQ(builder.add(image("a"), {}, std::nullopt, second), a);
  const Definition definition = std::move(builder).build(a);
  EXPECT_THAT(names(definition), ElementsAre("two"));
  EXPECT_THAT(definition.spans(definition.vertex(0)),
              ElementsAre(SourceSpan{"Dockerfile", 1, 1}, SourceSpan{"Dockerfile", 7, 8}));
}

TEST(DefinitionBuilder, keeps_what_the_root_needs_inputs_first) {
  DefinitionBuilder builder;
  builder.add(image("unused"), {}, std::nullopt, {});
  const Edge b = builder.add(image("b"), {}, std::nullopt, {});
  const Edge a = builder.add(image("a"), {}, std::nullopt, {});
  const Edge merged = builder.add(MergeOp{{0, 1}}, {a, b}, std::nullopt, {});
  const Definition definition = std::move(builder).build(merged);
  EXPECT_THAT(names(definition), ElementsAre("docker-image://b", "docker-image://a", "merge"));
  EXPECT_EQ(definition.root(), (Edge{2, 0}));
  EXPECT_THAT(definition.vertex(2).inputs, ElementsAre(Edge{1, 0}, Edge{0, 0}));
}

TEST(DefinitionBuilder, a_digest_names_the_op_and_its_inputs) {
  DefinitionBuilder builder;
  const Edge a = builder.add(image("a"), {}, std::nullopt, {});
  const Edge b = builder.add(image("b"), {}, std::nullopt, {});
  const Edge on_a = builder.add(run("make"), {a}, std::nullopt, {});
  const Edge on_b = builder.add(run("make"), {b}, std::nullopt, {});
  EXPECT_NE(builder.vertex(on_a.vertex).digest, builder.vertex(on_b.vertex).digest);
  EXPECT_EQ(builder.vertex(on_a.vertex).digest,
            Digest::sha256_of(builder.vertex(on_a.vertex).encoded));
}

TEST(DefinitionBuilder, import_joins_targets_over_their_common_vertices) {
  const auto target = [](std::string command) {
    DefinitionBuilder builder;
    const Edge base = builder.add(image("base"), {}, std::nullopt, {});
    return std::move(builder).build(builder.add(run(std::move(command)), {base}, std::nullopt, {}));
  };
  DefinitionBuilder all;
  const std::optional<Edge> first = all.import(target("one"));
  const std::optional<Edge> second = all.import(target("two"));
  EXPECT_EQ(all.import(Definition()), std::nullopt);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->vertex, 1u);
  EXPECT_EQ(second->vertex, 2u);
  EXPECT_THAT(all.vertex(2).inputs, ElementsAre(Edge{0, 0}));
}

}  // namespace
}  // namespace slipway::graph
