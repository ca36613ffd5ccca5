// Definition: an immutable, content-addressed graph of vertices.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "graph/op.h"

namespace slipway::graph {

// Position of a vertex in its Definition's vertices(); inputs come before their users.
using VertexIndex = size_t;

// One output of one vertex.
struct Edge {
  VertexIndex vertex = 0;
  int64_t output = 0;
  auto operator<=>(const Edge&) const = default;
};

// Descriptive data; not part of the vertex's digest.
struct VertexMetadata {
  std::map<std::string, std::string>
      description;  // "llb.customname", "com.docker.dockerfile.v1.command"
  bool ignore_cache = false;
  std::map<std::string, bool> caps;
  std::string progress_group_id;
  std::string progress_group_name;
  bool progress_group_weak = false;
  std::vector<SourceSpan> spans;  // the lines of the Dockerfile it comes from
};

struct Vertex {
  Digest digest;  // of the marshalled op, inputs included
  Op op;
  std::vector<Edge> inputs;
  std::optional<Platform> platform;
  std::vector<std::string> worker_constraints;
  VertexMetadata metadata;
  // The name that progress shows: custom name, else derived from the op.
  std::string name() const;
};

class Definition {
 public:
  Definition() = default;

  const std::vector<Vertex>& vertices() const { return vertices_; }
  const Vertex& vertex(VertexIndex index) const { return vertices_.at(index); }
  // The edge that the build is for; nullopt for scratch (no vertices at all).
  const std::optional<Edge>& root() const { return root_; }

 private:
  friend class DefinitionBuilder;
  std::vector<Vertex> vertices_;
  std::optional<Edge> root_;
};

// Builds a Definition bottom-up; equal vertices (same digest) are stored once.
class DefinitionBuilder {
 public:
  // Computes the digest from the deterministic protobuf encoding. Input edges must be earlier
  // results of this builder. Metadata of a vertex added twice is merged (spans appended).
  Edge add(Op op, std::vector<Edge> inputs, std::optional<Platform> platform,
           VertexMetadata metadata, std::vector<std::string> worker_constraints = {});
  const Vertex& vertex(VertexIndex index) const { return definition_.vertices_.at(index); }
  // Copies all vertices of `other`, returns its root here: several targets become one graph.
  std::optional<Edge> import(const Definition& other);
  // Keeps only what `root` needs.
  Definition build(std::optional<Edge> root) &&;

 private:
  Definition definition_;
  std::map<Digest, VertexIndex> by_digest_;
};

}  // namespace slipway::graph
