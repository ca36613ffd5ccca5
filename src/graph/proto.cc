#include "graph/proto.h"

#include <map>

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/stubs/logging.h>

#include "base/check.h"
#include "graph/ops.pb.h"
#include "graph/proto_ops.h"

namespace slipway::graph {

namespace {

// Map keys are written sorted; the field order is protobuf's own.
std::string serialize(const google::protobuf::MessageLite& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    CHECK(message.SerializeToCodedStream(&coded));
  }
  return bytes;
}

pb::OpMetadata to_wire(const VertexMetadata& metadata) {
  pb::OpMetadata wire;
  wire.set_ignore_cache(metadata.ignore_cache);
  for (const auto& [key, value] : metadata.description) (*wire.mutable_description())[key] = value;
  if (metadata.export_cache) wire.mutable_export_cache()->set_value(*metadata.export_cache);
  for (const auto& [key, value] : metadata.caps) (*wire.mutable_caps())[key] = value;
  if (metadata.progress_group) {
    wire.mutable_progress_group()->set_id(metadata.progress_group->id);
    wire.mutable_progress_group()->set_name(metadata.progress_group->name);
    wire.mutable_progress_group()->set_weak(metadata.progress_group->weak);
  }
  if (metadata.linux_resources) {
    pb::LinuxResources& resources = *wire.mutable_linux_resources();
    resources.set_memory(metadata.linux_resources->memory);
    resources.set_memoryswap(metadata.linux_resources->memory_swap);
    resources.set_cpushares(metadata.linux_resources->cpu_shares);
    resources.set_cpuperiod(metadata.linux_resources->cpu_period);
    resources.set_cpuquota(metadata.linux_resources->cpu_quota);
    resources.set_cpusetcpus(metadata.linux_resources->cpuset_cpus);
    resources.set_cpusetmems(metadata.linux_resources->cpuset_mems);
  }
  return wire;
}

VertexMetadata from_wire(const pb::OpMetadata& wire) {
  VertexMetadata metadata;
  metadata.ignore_cache = wire.ignore_cache();
  metadata.description.insert(wire.description().begin(), wire.description().end());
  if (wire.has_export_cache()) metadata.export_cache = wire.export_cache().value();
  metadata.caps.insert(wire.caps().begin(), wire.caps().end());
  if (wire.has_progress_group()) {
    metadata.progress_group = ProgressGroup{
        wire.progress_group().id(), wire.progress_group().name(), wire.progress_group().weak()};
  }
  if (wire.has_linux_resources()) {
    const pb::LinuxResources& resources = wire.linux_resources();
    metadata.linux_resources = LinuxResources{
        resources.memory(),   resources.memoryswap(), resources.cpushares(), resources.cpuperiod(),
        resources.cpuquota(), resources.cpusetcpus(), resources.cpusetmems()};
  }
  return metadata;
}

void add_locations(pb::Locations& wire, const std::vector<SourceLocation>& locations) {
  for (const SourceLocation& location : locations) {
    pb::Location& item = *wire.add_locations();
    item.set_sourceindex(static_cast<int32_t>(location.file));
    for (const SourceRange& range : location.ranges) {
      pb::Range& wire_range = *item.add_ranges();
      wire_range.mutable_start()->set_line(range.first_line);
      wire_range.mutable_start()->set_character(range.first_character);
      wire_range.mutable_end()->set_line(range.last_line);
      wire_range.mutable_end()->set_character(range.last_character);
    }
  }
}

// Caps of the op that names the result: what the metadata of the whole graph uses.
std::map<std::string, bool> terminal_caps(const Definition& definition) {
  std::map<std::string, bool> caps = {{"constraints", true}, {"platform", true}};
  for (const Vertex& vertex : definition.vertices()) {
    if (vertex.metadata.ignore_cache) caps["meta.ignorecache"] = true;
    if (!vertex.metadata.description.empty()) caps["meta.description"] = true;
    if (vertex.metadata.export_cache) caps["meta.exportcache"] = true;
  }
  return caps;
}

pb::Definition to_wire(const Definition& definition) {
  pb::Definition wire;
  if (!definition.root()) return wire;
  for (const Vertex& vertex : definition.vertices()) {
    wire.add_def(vertex.encoded);
    (*wire.mutable_metadata())[vertex.digest.str()] = to_wire(vertex.metadata);
    // BuildKit writes an entry for every vertex, empty where it knows no lines.
    add_locations((*wire.mutable_source()->mutable_locations())[vertex.digest.str()],
                  vertex.metadata.locations);
  }
  for (const SourceFile& file : definition.files()) {
    pb::SourceInfo& info = *wire.mutable_source()->add_infos();
    info.set_filename(file.name);
    info.set_data(file.text);
    info.set_language(file.language);
  }
  pb::Op terminal;
  terminal.add_inputs()->set_digest(definition.vertex(definition.root()->vertex).digest.str());
  terminal.mutable_inputs(0)->set_index(definition.root()->output);
  const std::string bytes = serialize(terminal);
  wire.add_def(bytes);
  VertexMetadata metadata;
  metadata.caps = terminal_caps(definition);
  (*wire.mutable_metadata())[Digest::sha256_of(bytes).str()] = to_wire(metadata);
  return wire;
}

// Reads a pb.Definition op by op; every reference is checked before it is followed.
class Reader {
 public:
  explicit Reader(const pb::Definition& wire) : wire_(wire) {}

  Result<Definition> read() {
    for (const pb::SourceInfo& info : wire_.source().infos()) {
      files_.push_back(builder_.add_file({info.filename(), info.data(), info.language()}));
    }
    for (int i = 0; i + 1 < wire_.def_size(); ++i) {
      TRY(read_vertex(wire_.def(i)).context(fmt::format("read op {} of the definition", i)));
    }
    if (wire_.def_size() == 0) return std::move(builder_).build(std::nullopt);
    pb::Op terminal;
    if (!terminal.ParseFromString(wire_.def(wire_.def_size() - 1)) || terminal.inputs_size() != 1 ||
        terminal.op_case() != pb::Op::OP_NOT_SET) {
      return make_error(ErrorCode::InvalidInput,
                        "read definition: the last op does not name the result");
    }
    return std::move(builder_).build(TRY(edge(terminal.inputs(0))));
  }

 private:
  Result<Edge> edge(const pb::Input& input) const {
    const auto found = vertices_.find(input.digest());
    if (found == vertices_.end()) {
      return make_error(ErrorCode::InvalidInput, "input {} is not an earlier op", input.digest());
    }
    if (input.index() < 0) {
      return make_error(ErrorCode::InvalidInput, "output index {} of {}", input.index(),
                        input.digest());
    }
    return Edge{found->second, input.index()};
  }

  Status read_vertex(const std::string& bytes) {
    pb::Op wire;
    if (!wire.ParseFromString(bytes)) {
      return make_error(ErrorCode::InvalidInput, "not a protobuf pb.Op");
    }
    Vertex vertex;
    vertex.digest = Digest::sha256_of(bytes);
    vertex.encoded = bytes;
    for (const pb::Input& input : wire.inputs()) vertex.inputs.push_back(TRY(edge(input)));
    vertex.op = TRY(op_from_wire(wire));
    if (wire.has_platform()) vertex.platform = platform_from_wire(wire.platform());
    const auto& filters = wire.constraints().filter();
    vertex.worker_constraints.assign(filters.begin(), filters.end());
    TRY(read_metadata(vertex));
    const std::string digest = vertex.digest.str();
    vertices_[digest] = builder_.add_encoded(std::move(vertex));
    return {};
  }

  Status read_metadata(Vertex& vertex) const {
    const auto metadata = wire_.metadata().find(vertex.digest.str());
    if (metadata != wire_.metadata().end()) vertex.metadata = from_wire(metadata->second);
    const auto locations = wire_.source().locations().find(vertex.digest.str());
    if (locations == wire_.source().locations().end()) return {};
    for (const pb::Location& item : locations->second.locations()) {
      if (item.sourceindex() < 0 || static_cast<size_t>(item.sourceindex()) >= files_.size()) {
        return make_error(ErrorCode::InvalidInput, "source file {} of {}", item.sourceindex(),
                          vertex.digest.str());
      }
      SourceLocation location{files_[static_cast<size_t>(item.sourceindex())], {}};
      for (const pb::Range& range : item.ranges()) {
        location.ranges.push_back({range.start().line(), range.start().character(),
                                   range.end().line(), range.end().character()});
      }
      vertex.metadata.locations.push_back(std::move(location));
    }
    return {};
  }

  const pb::Definition& wire_;
  DefinitionBuilder builder_;
  std::vector<size_t> files_;  // of the wire's infos: their index in the builder
  std::map<std::string, VertexIndex> vertices_;
};

}  // namespace

std::string marshal_op(const Op& op, const std::vector<WireInput>& inputs,
                       const std::optional<Platform>& platform,
                       const std::vector<std::string>& worker_constraints) {
  // Go's encoder, which made the digests that the world knows, writes a oneof after all other
  // fields; C++ would write it by number.
  pb::Op wire;
  for (const WireInput& input : inputs) {
    pb::Input& item = *wire.add_inputs();
    item.set_digest(input.digest.str());
    item.set_index(input.output);
  }
  if (platform) platform_to_wire(*platform, *wire.mutable_platform());
  // BuildKit writes this message even when it is empty, and digests depend on it.
  wire.mutable_constraints()->mutable_filter()->Assign(worker_constraints.begin(),
                                                       worker_constraints.end());
  pb::Op kind;
  op_to_wire(op, kind);
  return serialize(wire) + serialize(kind);
}

std::string marshal(const Definition& definition) {
  return serialize(to_wire(definition));
}

Result<Definition> unmarshal(std::string_view bytes) {
  // Protobuf would print what it thinks of bad input.
  const google::protobuf::LogSilencer silence;
  pb::Definition wire;
  if (!wire.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return make_error(ErrorCode::InvalidInput, "read definition: not a protobuf pb.Definition");
  }
  return Reader(wire).read();
}

}  // namespace slipway::graph
