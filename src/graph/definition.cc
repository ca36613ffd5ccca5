#include "graph/definition.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "base/text.h"
#include "graph/proto.h"

namespace slipway::graph {

namespace {

std::string describe(const FileAction& action) {
  if (const FileCopy* copy = std::get_if<FileCopy>(&action.action)) {
    return fmt::format("copy {} {}", copy->src, copy->dest);
  }
  if (const FileMkfile* mkfile = std::get_if<FileMkfile>(&action.action)) {
    return "mkfile " + mkfile->path;
  }
  if (const FileMkdir* mkdir = std::get_if<FileMkdir>(&action.action)) {
    return "mkdir " + mkdir->path;
  }
  if (const FileSymlink* symlink = std::get_if<FileSymlink>(&action.action)) {
    return fmt::format("symlink {} {}", symlink->oldpath, symlink->newpath);
  }
  return "rm " + std::get<FileRm>(action.action).path;
}

std::string describe(const Op& op) {
  if (const SourceOp* source = std::get_if<SourceOp>(&op)) return source->identifier;
  if (const ExecOp* exec = std::get_if<ExecOp>(&op)) return join(exec->args, " ");
  if (const FileOp* file = std::get_if<FileOp>(&op)) {
    std::vector<std::string> actions;
    for (const FileAction& action : file->actions) actions.push_back(describe(action));
    return join(actions, ", ");
  }
  if (std::holds_alternative<MergeOp>(op)) return "merge";
  if (std::holds_alternative<DiffOp>(op)) return "diff";
  return "build";
}

void merge_into(VertexMetadata& metadata, VertexMetadata&& later) {
  metadata.ignore_cache = metadata.ignore_cache || later.ignore_cache;
  for (auto& [key, value] : later.description) metadata.description[key] = std::move(value);
  if (later.export_cache) metadata.export_cache = later.export_cache;
  for (const auto& [cap, needed] : later.caps) metadata.caps[cap] = needed;
  if (later.progress_group) metadata.progress_group = std::move(later.progress_group);
  if (later.linux_resources) metadata.linux_resources = std::move(later.linux_resources);
  std::ranges::move(later.locations, std::back_inserter(metadata.locations));
}

}  // namespace

std::string Vertex::name() const {
  const auto custom = metadata.description.find(kCustomName);
  return custom != metadata.description.end() ? custom->second : describe(op);
}

std::vector<SourceSpan> Definition::spans(const Vertex& vertex) const {
  std::vector<SourceSpan> spans;
  for (const SourceLocation& location : vertex.metadata.locations) {
    for (const SourceRange& range : location.ranges) {
      spans.push_back({files_.at(location.file).name, range.first_line, range.last_line});
    }
  }
  return spans;
}

Edge DefinitionBuilder::add(Op op, std::vector<Edge> inputs, std::optional<Platform> platform,
                            VertexMetadata metadata, std::vector<std::string> worker_constraints) {
  std::vector<WireInput> wire_inputs;
  for (const Edge& input : inputs) {
    wire_inputs.push_back({vertex(input.vertex).digest, input.output});
  }
  std::string encoded = marshal_op(op, wire_inputs, platform, worker_constraints);
  Digest digest = Digest::sha256_of(encoded);
  const VertexIndex index =
      add_encoded(Vertex{std::move(digest), std::move(op), std::move(inputs), std::move(platform),
                         std::move(worker_constraints), std::move(metadata), std::move(encoded)});
  return Edge{index, 0};
}

VertexIndex DefinitionBuilder::add_encoded(Vertex added) {
  for (const Edge& input : added.inputs) CHECK(input.vertex < definition_.vertices_.size());
  const auto [known, is_new] = by_digest_.try_emplace(added.digest, definition_.vertices_.size());
  if (is_new) {
    definition_.vertices_.push_back(std::move(added));
  } else {
    merge_into(definition_.vertices_[known->second].metadata, std::move(added.metadata));
  }
  return known->second;
}

size_t DefinitionBuilder::add_file(SourceFile file) {
  std::vector<SourceFile>& files = definition_.files_;
  const auto known = std::ranges::find(files, file);
  if (known != files.end()) return static_cast<size_t>(known - files.begin());
  files.push_back(std::move(file));
  return files.size() - 1;
}

std::optional<Edge> DefinitionBuilder::import(const Definition& other) {
  std::vector<size_t> files;
  for (const SourceFile& file : other.files()) files.push_back(add_file(file));
  std::vector<VertexIndex> moved;  // by index in `other`
  for (Vertex copy : other.vertices()) {
    for (Edge& input : copy.inputs) input.vertex = moved.at(input.vertex);
    for (SourceLocation& location : copy.metadata.locations) {
      location.file = files.at(location.file);
    }
    moved.push_back(add_encoded(std::move(copy)));
  }
  if (!other.root()) return std::nullopt;
  return Edge{moved.at(other.root()->vertex), other.root()->output};
}

Definition DefinitionBuilder::build(std::optional<Edge> root) && {
  Definition result;
  result.root_ = root;
  result.files_ = std::move(definition_.files_);
  if (!root) return result;

  // Inputs come before their users, so one pass backwards finds all that the root needs.
  std::vector<Vertex>& vertices = definition_.vertices_;
  std::vector<bool> needed(vertices.size(), false);
  needed.at(root->vertex) = true;
  for (VertexIndex index = root->vertex + 1; index-- > 0;) {
    if (!needed[index]) continue;
    for (const Edge& input : vertices[index].inputs) needed[input.vertex] = true;
  }
  std::vector<VertexIndex> moved(vertices.size());
  for (VertexIndex index = 0; index <= root->vertex; ++index) {
    if (!needed[index]) continue;
    for (Edge& input : vertices[index].inputs) input.vertex = moved[input.vertex];
    moved[index] = result.vertices_.size();
    result.vertices_.push_back(std::move(vertices[index]));
  }
  result.root_->vertex = moved[root->vertex];
  return result;
}

}  // namespace slipway::graph
