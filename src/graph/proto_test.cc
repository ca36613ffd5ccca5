// Goldens in testdata/: our own Dockerfile through BuildKit's frontend (the definition it marshals)
// and `buildctl debug dump-llb` of that.
#include "graph/proto.h"

#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::graph {
namespace {

using ::testing::HasSubstr;

std::string testdata(const std::string& name) {
  std::ifstream file(SLIPWAY_TESTDATA "/" + name, std::ios::binary);
  EXPECT_TRUE(file) << name;
  return (std::stringstream() << file.rdbuf()).str();
}

TEST(Proto, buildkits_definition_survives_unchanged) {
  const std::string bytes = testdata("service.llb");
  Result<Definition> definition = unmarshal(bytes);
  ASSERT_TRUE(definition) << definition.error().message();
  EXPECT_EQ(marshal(*definition), bytes);
}

TEST(Proto, ops_encode_to_the_bytes_they_came_from) {
  const Result<Definition> definition = unmarshal(testdata("service.llb"));
  ASSERT_TRUE(definition);
  EXPECT_GT(definition->vertices().size(), 10u);
  for (const Vertex& vertex : definition->vertices()) {
    std::vector<WireInput> inputs;
    for (const Edge& input : vertex.inputs) {
      inputs.push_back({definition->vertex(input.vertex).digest, input.output});
    }
    EXPECT_EQ(marshal_op(vertex.op, inputs, vertex.platform, vertex.worker_constraints),
              vertex.encoded)
        << vertex.name();
  }
}

TEST(Proto, dump_is_buildctls) {
  const Result<Definition> definition = unmarshal(testdata("service.llb"));
  ASSERT_TRUE(definition);
  EXPECT_EQ(dump_json(*definition), testdata("service.jsonl"));
}

TEST(Proto, scratch_has_no_ops) {
  EXPECT_EQ(marshal(Definition()), "");
  const Result<Definition> definition = unmarshal("");
  ASSERT_TRUE(definition);
  EXPECT_EQ(definition->root(), std::nullopt);
}

TEST(Proto, every_truncation_is_an_error_or_a_definition) {
  const std::string bytes = testdata("service.llb");
  size_t accepted = 0;
  for (size_t size = 1; size < bytes.size(); size += 7) {
    accepted += unmarshal(std::string_view(bytes).substr(0, size)).has_value() ? 1 : 0;
  }
  // Only a cut between two of the definition's last fields leaves something readable.
  EXPECT_LT(accepted, bytes.size() / 70);
}

std::string definition_of(std::string_view op, std::string_view terminal) {
  std::string bytes;
  for (const std::string_view part : {op, terminal}) {
    bytes += '\x0a';
    bytes += static_cast<char>(part.size());
    bytes += part;
  }
  return bytes;
}

TEST(Proto, refuses_references_to_what_is_not_there) {
  // An op whose input names no earlier op.
  const std::string missing_input("\x0a\x03\x0a\x01x", 5);
  const Result<Definition> dangling = unmarshal(definition_of(missing_input, missing_input));
  ASSERT_FALSE(dangling);
  EXPECT_EQ(dangling.error().code(), ErrorCode::InvalidInput);
  EXPECT_THAT(dangling.error().message(), HasSubstr("input x is not an earlier op"));

  // merge { inputs { input: 5 } } without inputs.
  const Result<Definition> index =
      unmarshal(definition_of(std::string_view("\x32\x04\x0a\x02\x08\x05", 6), missing_input));
  ASSERT_FALSE(index);
  EXPECT_THAT(index.error().message(), HasSubstr("merge input 5 of an op with 0 inputs"));
}

TEST(Proto, says_that_an_op_kind_is_not_supported) {
  // passthrough {}
  const Result<Definition> passthrough =
      unmarshal(definition_of(std::string_view("\x42\x00", 2), "\x0a\x00"));
  ASSERT_FALSE(passthrough);
  EXPECT_EQ(passthrough.error().code(), ErrorCode::Unsupported);
}

}  // namespace
}  // namespace slipway::graph
