#include "cli/provenance.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/text.h"
#include "base/url_password.h"
#include "base/values.h"
#include "graph/layer_chain.h"
#include "graph/proto.h"
#include "oci/manifest.h"
#include "oci/purl.h"
#include "oci/rfc3339.h"

namespace slipway::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kBuildType[] =
    "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md";

std::string time_text(progress::Time time) {
  using std::chrono::microseconds;
  return format_rfc3339_microseconds(
      std::chrono::duration_cast<microseconds>(time.time_since_epoch()).count());
}

Json digest_set(const Digest& digest) {
  return {{std::string(digest.algorithm()), std::string(digest.hex())}};
}

// What a graph reads from elsewhere.
struct Dependencies {
  Json resolved = Json::array();
  std::set<std::string> locals;
  // Each has a digest: another build can start from the same.
  bool complete = true;
};

void add_image(const graph::Vertex& vertex, std::string_view name, Dependencies& dependencies) {
  const Result<Reference> image = Reference::parse(name);
  if (!image || image->digest().empty()) {
    dependencies.complete = false;
    return;
  }
  // The tag says what was asked for, the digest what it was.
  const Reference asked = image->tag().empty() ? *image : image->with_digest({});
  dependencies.resolved.push_back(
      {{"uri", image_purl(asked, vertex.platform).str()}, {"digest", digest_set(image->digest())}});
}

void add_url(const graph::SourceOp& source, Dependencies& dependencies) {
  Json entry{{"uri", without_passwords(source.identifier)}};
  const auto checksum = source.attrs.find("http.checksum");
  const Result<Digest> digest =
      Digest::parse(checksum == source.attrs.end() ? "" : checksum->second);
  if (digest) entry["digest"] = digest_set(*digest);
  const auto commit = source.attrs.find("git.checksum");
  // It may be the first digits only, which are no digest.
  const size_t digits = commit == source.attrs.end() ? 0 : commit->second.size();
  if (digits == 40) entry["digest"] = {{"sha1", commit->second}};
  if (digits == 64) entry["digest"] = {{"sha256", commit->second}};
  if (!entry.contains("digest")) dependencies.complete = false;
  dependencies.resolved.push_back(std::move(entry));
}

Dependencies dependencies_of(const graph::Definition& definition) {
  Dependencies dependencies;
  for (const graph::Vertex& vertex : definition.vertices()) {
    const auto* source = std::get_if<graph::SourceOp>(&vertex.op);
    if (source == nullptr) continue;
    const std::string_view identifier = source->identifier;
    const size_t scheme_end = identifier.find("://");
    const std::string_view scheme = identifier.substr(0, scheme_end);
    const std::string_view rest = identifier.substr(std::min(scheme_end + 3, identifier.size()));
    if (scheme == "local") {
      dependencies.locals.emplace(rest);
      dependencies.complete = false;
    } else if (scheme == "docker-image" || scheme == "oci-layout") {
      add_image(vertex, rest, dependencies);
    } else {
      add_url(*source, dependencies);
    }
  }
  return dependencies;
}

bool uses_network(const graph::Definition& definition) {
  return std::ranges::any_of(definition.vertices(), [](const graph::Vertex& vertex) {
    const auto* exec = std::get_if<graph::ExecOp>(&vertex.op);
    return exec != nullptr && exec->network != graph::NetMode::None;
  });
}

// The options of BuildKit's frontend that say the same. Arguments and labels may tell secrets: they
// are for mode=max.
Json frontend_args(const bake::Target& target, bool max) {
  std::map<std::string, std::string> args;
  if (!target.target.empty()) args["target"] = target.target;
  if (!target.network.empty()) args["force-network-mode"] = target.network;
  if (target.no_cache) args["no-cache"] = "";
  if (!target.no_cache_filter.empty()) args["no-cache"] = join(target.no_cache_filter, ",");
  if (target.shm_size != 0) args["shm-size"] = std::to_string(target.shm_size);
  if (max) {
    for (const auto& [name, value] : target.args) {
      if (value) args["build-arg:" + name] = *value;
    }
    for (const auto& [name, value] : target.labels) args["label:" + name] = value;
  }
  Json json = Json::object();
  for (const auto& [name, value] : args) json[name] = value;
  return json;
}

// The secrets or SSH agents that steps ask for: no values, they are not known here.
template <typename Option>
void add_ids(const std::optional<Option>& option, std::map<std::string, bool>& optional_by_id) {
  if (!option) return;
  const auto [known, is_new] = optional_by_id.emplace(option->id, option->optional);
  known->second = known->second && option->optional;
}

Json id_list(const std::map<std::string, bool>& optional_by_id) {
  Json list = Json::array();
  for (const auto& [id, optional] : optional_by_id) {
    Json entry{{"id", id}};
    if (optional) entry["optional"] = true;
    list.push_back(std::move(entry));
  }
  return list;
}

void add_secrets(const graph::Definition& definition, Json& request) {
  std::map<std::string, bool> secrets, agents;
  for (const graph::Vertex& vertex : definition.vertices()) {
    const auto* exec = std::get_if<graph::ExecOp>(&vertex.op);
    if (exec == nullptr) continue;
    for (const graph::Mount& mount : exec->mounts) {
      add_ids(mount.secret, secrets);
      add_ids(mount.ssh, agents);
    }
    for (const graph::SecretEnv& secret : exec->secret_env) {
      add_ids(std::optional(secret), secrets);
    }
  }
  if (!secrets.empty()) request["secrets"] = id_list(secrets);
  if (!agents.empty()) request["ssh"] = id_list(agents);
}

std::string step_id(size_t index) {
  return fmt::format("step{}", index);
}

// Of a source's URLs: a provenance is for everybody who has the image.
void hide_passwords(Json& source) {
  for (auto& [name, value] : source.items()) {
    if (value.is_object()) hide_passwords(value);
    if (value.is_string()) value = without_passwords(value.get<std::string>());
  }
}

// Every step with its op, as BuildKit lists them: inputs come before their users, and last the one
// that names the result.
Json build_config(const graph::Definition& definition) {
  std::map<std::string, std::string> ids;
  Json steps = Json::array();
  for (const std::string& line : split(graph::dump_json(definition), '\n')) {
    if (line.empty()) continue;
    const Json dumped = Json::parse(line);
    const std::string id = step_id(steps.size());
    ids[dumped.at("Digest").get<std::string>()] = id;
    Json op = dumped.at("Op");
    Json inputs = Json::array();
    if (op.contains("inputs")) {
      for (const Json& input : op["inputs"]) {
        inputs.push_back(fmt::format("{}:{}", ids.at(input.at("digest").get<std::string>()),
                                     input.value("index", 0)));
      }
      op.erase("inputs");
    }
    // As Go's JSON has it: a oneof is an object of its own.
    const bool is_source = op.contains("Op") && op["Op"].contains("source");
    if (is_source) hide_passwords(op["Op"]["source"]);
    Json step{{"id", id}, {"op", std::move(op)}};
    if (!inputs.empty()) step["inputs"] = std::move(inputs);
    steps.push_back(std::move(step));
  }
  return {{"digestMapping", ids}, {"llbDefinition", std::move(steps)}};
}

Json position(int32_t line, int32_t character) {
  Json json{{"line", line}};
  if (character != 0) json["character"] = character;
  return json;
}

// Which lines of the Dockerfile a step is.
Json locations_of(const graph::Vertex& vertex) {
  Json locations = Json::array();
  for (const graph::SourceLocation& location : vertex.metadata.locations) {
    Json entry = Json::object();
    if (location.file != 0) entry["sourceIndex"] = location.file;
    for (const graph::SourceRange& range : location.ranges) {
      entry["ranges"].push_back({{"start", position(range.first_line, range.first_character)},
                                 {"end", position(range.last_line, range.last_character)}});
    }
    locations.push_back(std::move(entry));
  }
  return locations.empty() ? Json::object() : Json{{"locations", std::move(locations)}};
}

Json source_map(const graph::Definition& definition) {
  Json locations = Json::object();
  for (size_t i = 0; i < definition.vertices().size(); ++i) {
    locations[step_id(i)] = locations_of(definition.vertex(i));
  }
  Json infos = Json::array();
  for (const graph::SourceFile& file : definition.files()) {
    infos.push_back(
        {{"filename", file.name}, {"language", file.language}, {"data", encode_base64(file.text)}});
  }
  return {{"locations", std::move(locations)}, {"infos", std::move(infos)}};
}

// The layers of the image, as the result of its last step.
Json layers_of(const graph::Definition& definition, const std::vector<Descriptor>& layers) {
  if (!definition.root() || layers.empty()) return Json::object();
  Json list = Json::array();
  for (const Descriptor& layer : layers) list.push_back(Json::parse(to_json(layer)));
  const graph::Edge& root = *definition.root();
  Json json = Json::object();
  json[fmt::format("{}:{}", step_id(root.vertex), root.output)] = Json::array({std::move(list)});
  return json;
}

std::string dockerfile_name(const bake::Target& target) {
  return target.dockerfile.empty() ? "Dockerfile" : std::string(base_name(target.dockerfile));
}

// As BuildKit: of a path the last name.
Result<std::string> attestation_file_name(const std::string& path) {
  std::string name(base_name(path));
  if (!name.empty() && name != "." && name != "..") return name;
  return make_error(ErrorCode::InvalidInput, "provenance: filename \"{}\" names no file", path);
}

Result<bool> flag(const bake::Fields& fields, const std::string& key) {
  const auto found = fields.find(key);
  return found == fields.end() ? Result<bool>(false) : parse_bool(found->second);
}

}  // namespace

Result<ProvenanceOptions> parse_provenance(const bake::Fields& fields) {
  ProvenanceOptions options;
  for (const auto& [key, value] : fields) {
    if (key == "type" || key == "disabled") continue;
    if (key == "mode") {
      if (value != "min" && value != "max") {
        return make_error(ErrorCode::InvalidInput, "provenance: mode \"{}\": want min or max",
                          value);
      }
      options.max = value == "max";
    } else if (key == "builder-id") {
      options.builder_id = value;
    } else if (key == "filename") {
      options.file_name = TRY(attestation_file_name(value));
    } else if (key == "inline-only") {
      options.inline_only = TRY(flag(fields, key).context("provenance: inline-only"));
    } else if (key == "reproducible") {
      options.reproducible = TRY(flag(fields, key).context("provenance: reproducible"));
    } else if (key == "version") {
      if (value == "v1") continue;
      return make_error(ErrorCode::Unsupported,
                        "provenance: version \"{}\" of SLSA is not made, only v1", value);
    } else {
      return make_error(ErrorCode::InvalidInput, "provenance: unknown option \"{}\"{}", key,
                        did_you_mean(key, {"mode", "builder-id", "filename", "reproducible",
                                           "inline-only", "version"}));
    }
  }
  return options;
}

std::string provenance_predicate(const bake::Target& target, const dockerfile::Conversion& platform,
                                 const ProvenanceOptions& options, const BuildFacts& build,
                                 const std::vector<Descriptor>& layers) {
  const graph::Definition& definition = platform.definition;
  Dependencies dependencies = dependencies_of(definition);
  dependencies.locals.insert("dockerfile");

  Json request{{"frontend", "dockerfile.v0"}, {"args", frontend_args(target, options.max)}};
  if (options.max) add_secrets(definition, request);
  for (const std::string& name : dependencies.locals) request["locals"].push_back({{"name", name}});

  Json internal = Json::object();
  if (options.max) internal["buildConfig"] = build_config(definition);
  internal["builderPlatform"] = Platform::host().str();
  internal["targetPlatform"] = platform.platform.str();

  Json buildkit = Json::object();
  if (options.max) {
    buildkit["source"] = source_map(definition);
    buildkit["layers"] = layers_of(definition, layers);
  }
  Json metadata{{"invocationId", build.ref},
                {"startedOn", time_text(build.started)},
                {"finishedOn", time_text(build.finished)},
                {"buildkit_metadata", std::move(buildkit)}};
  if (dependencies.complete && !uses_network(definition)) metadata["buildkit_hermetic"] = true;
  metadata["buildkit_completeness"] = {{"request", options.max},
                                       {"resolvedDependencies", dependencies.complete}};
  if (options.reproducible) metadata["buildkit_reproducible"] = true;

  const Json predicate{
      {"buildDefinition",
       {{"buildType", kBuildType},
        {"externalParameters",
         {{"configSource", {{"path", dockerfile_name(target)}}}, {"request", std::move(request)}}},
        {"internalParameters", std::move(internal)},
        {"resolvedDependencies", std::move(dependencies.resolved)}}},
      {"runDetails",
       {{"builder", {{"id", options.builder_id}}}, {"metadata", std::move(metadata)}}}};
  return predicate.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace slipway::cli
