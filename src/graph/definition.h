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

// A user's file that vertices come from: a Dockerfile.
struct SourceFile {
  std::string name;
  std::string text;
  std::string language;  // "Dockerfile"
  bool operator==(const SourceFile&) const = default;
};

// Lines are 1-based and inclusive; characters as BuildKit's Position (0 where unknown).
struct SourceRange {
  int32_t first_line = 0;
  int32_t first_character = 0;
  int32_t last_line = 0;
  int32_t last_character = 0;
  bool operator==(const SourceRange&) const = default;
};

struct SourceLocation {
  size_t file = 0;  // index into Definition::files()
  std::vector<SourceRange> ranges;
  bool operator==(const SourceLocation&) const = default;
};

struct ProgressGroup {
  std::string id;
  std::string name;
  bool weak = false;
  bool operator==(const ProgressGroup&) const = default;
};

// Limits of a step's cgroup; 0 and "" are unset.
struct LinuxResources {
  int64_t memory = 0;       // bytes
  int64_t memory_swap = 0;  // bytes, memory included
  uint64_t cpu_shares = 0;
  uint64_t cpu_period = 0;  // microseconds
  int64_t cpu_quota = 0;    // microseconds
  std::string cpuset_cpus;
  std::string cpuset_mems;
  bool operator==(const LinuxResources&) const = default;
};

// Keys of VertexMetadata::description.
inline constexpr char kCustomName[] = "llb.customname";
inline constexpr char kDockerfileCommand[] = "com.docker.dockerfile.v1.command";

// Descriptive data; not part of the vertex's digest.
struct VertexMetadata {
  std::map<std::string, std::string> description;  // kCustomName, kDockerfileCommand
  bool ignore_cache = false;
  std::optional<bool> export_cache;
  std::map<std::string, bool> caps;
  std::optional<ProgressGroup> progress_group;
  std::optional<LinuxResources> linux_resources;
  std::vector<SourceLocation> locations;
};

struct Vertex {
  Digest digest;  // of `encoded`
  Op op;
  std::vector<Edge> inputs;
  std::optional<Platform> platform;
  std::vector<std::string> worker_constraints;
  VertexMetadata metadata;
  // The marshalled pb.Op, inputs included; as it came, for a definition that was unmarshalled.
  std::string encoded;

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
  // The user's files that vertices' locations point to.
  const std::vector<SourceFile>& files() const { return files_; }
  // A vertex's locations by file name, for error messages.
  std::vector<SourceSpan> spans(const Vertex& vertex) const;

 private:
  friend class DefinitionBuilder;
  std::vector<Vertex> vertices_;
  std::optional<Edge> root_;
  std::vector<SourceFile> files_;
};

// Builds a Definition bottom-up; equal vertices (same digest) are stored once.
class DefinitionBuilder {
 public:
  // Computes the digest from the deterministic protobuf encoding. Input edges must be earlier
  // results of this builder. Metadata of a vertex added twice is merged as BuildKit does: the later
  // one's descriptions and groups win, locations are appended.
  Edge add(Op op, std::vector<Edge> inputs, std::optional<Platform> platform,
           VertexMetadata metadata, std::vector<std::string> worker_constraints = {});
  // Adds a vertex as it is, digest and encoding included; its inputs must be this builder's edges.
  VertexIndex add_encoded(Vertex vertex);
  const Vertex& vertex(VertexIndex index) const { return definition_.vertices_.at(index); }
  // Index for SourceLocation::file; equal files are stored once.
  size_t add_file(SourceFile file);
  // Copies all vertices of `other`, returns its root here: several targets become one graph.
  std::optional<Edge> import(const Definition& other);
  // Keeps only what `root` needs, in the order it was added.
  Definition build(std::optional<Edge> root) &&;
  // All that was added, without a root: a graph of several results, at the edges that import()
  // returned.
  Definition build_all() && { return std::move(definition_); }

 private:
  Definition definition_;
  std::map<Digest, VertexIndex> by_digest_;
};

}  // namespace slipway::graph
