#include "oci/manifest.h"

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "oci/json_fields.h"
#include "oci/json_writer.h"

namespace slipway {
namespace {

using nlohmann::json;

// The limit that registries put on a manifest (distribution: 4 MiB).
constexpr size_t kMaxManifestBytes = 4 << 20;
constexpr int kIndent = 2;

Result<Platform> parse_platform(const json& object) {
  Platform platform;
  platform.os = TRY(json_fields::string(object, "os"));
  platform.architecture = TRY(json_fields::string(object, "architecture"));
  platform.variant = TRY(json_fields::string(object, "variant"));
  platform.os_version = TRY(json_fields::string(object, "os.version"));
  platform.os_features = TRY(json_fields::strings(object, "os.features"));
  return platform;
}

Result<Descriptor> parse_descriptor(const json& object) {
  Descriptor descriptor;
  descriptor.media_type = TRY(json_fields::string(object, "mediaType"));
  const std::string digest = TRY(json_fields::string(object, "digest"));
  descriptor.digest = TRY(Digest::parse(digest));
  const int64_t size = TRY(json_fields::integer(object, "size"));
  if (size < 0) return make_error(ErrorCode::InvalidInput, "\"size\" is negative: {}", size);
  descriptor.size = static_cast<uint64_t>(size);
  descriptor.annotations = TRY(json_fields::string_map(object, "annotations"));
  descriptor.artifact_type = TRY(json_fields::string(object, "artifactType"));
  if (const json* platform = TRY(json_fields::object(object, "platform"))) {
    descriptor.platform = TRY(parse_platform(*platform));
  }
  return descriptor;
}

Result<std::vector<Descriptor>> parse_descriptors(const json& document, const char* name) {
  std::vector<Descriptor> descriptors;
  for (const json* object : TRY(json_fields::objects(document, name))) {
    descriptors.push_back(
        TRY(parse_descriptor(*object).context(fmt::format("{}[{}]", name, descriptors.size()))));
  }
  return descriptors;
}

Status check_schema_version(const json& document) {
  const int64_t version = TRY(json_fields::integer(document, "schemaVersion"));
  if (version == 1) {
    return make_error(ErrorCode::Unsupported,
                      "image manifests of Docker's schema 1 are not supported");
  }
  if (version != 2) {
    return make_error(ErrorCode::InvalidInput, "\"schemaVersion\" must be 2, not {}", version);
  }
  return {};
}

void write_platform(JsonWriter& writer, const Platform& platform) {
  writer.begin_object();
  writer.key("architecture").string(platform.architecture);
  writer.key("os").string(platform.os);
  writer.optional("os.version", platform.os_version);
  writer.optional("os.features", platform.os_features);
  writer.optional("variant", platform.variant);
  writer.end_object();
}

void write_descriptor(JsonWriter& writer, const Descriptor& descriptor,
                      std::string_view data = {}) {
  writer.begin_object();
  writer.key("mediaType").string(descriptor.media_type);
  writer.key("digest").string(descriptor.digest.str());
  writer.key("size").number(static_cast<int64_t>(descriptor.size));
  if (!data.empty()) writer.key("data").string(encode_base64(data));
  writer.optional("annotations", descriptor.annotations);
  if (descriptor.platform) {
    writer.key("platform");
    write_platform(writer, *descriptor.platform);
  }
  writer.optional("artifactType", descriptor.artifact_type);
  writer.end_object();
}

// A nil slice in Go: null when there are none, which is what BuildKit writes for an image without
// layers.
void write_descriptors(JsonWriter& writer, const std::vector<Descriptor>& descriptors) {
  if (descriptors.empty()) {
    writer.null();
    return;
  }
  writer.begin_array();
  for (const Descriptor& descriptor : descriptors) write_descriptor(writer, descriptor);
  writer.end_array();
}

Result<Manifest> read_manifest(std::string_view text) {
  const json document = TRY(json_fields::parse_object(text, kMaxManifestBytes));
  TRY(check_schema_version(document));
  Manifest manifest;
  manifest.media_type = TRY(json_fields::string(document, "mediaType"));
  manifest.artifact_type = TRY(json_fields::string(document, "artifactType"));
  // A document that reads as both kinds could mean one image to us and another to somebody else
  // (CVE-2021-41190).
  if (json_fields::find(document, "manifests") != nullptr) {
    return make_error(ErrorCode::InvalidInput, "a manifest must not have \"manifests\"");
  }
  const json* config = TRY(json_fields::object(document, "config"));
  if (config == nullptr) return make_error(ErrorCode::InvalidInput, "\"config\" is missing");
  manifest.config = TRY(parse_descriptor(*config).context("config"));
  manifest.layers = TRY(parse_descriptors(document, "layers"));
  manifest.annotations = TRY(json_fields::string_map(document, "annotations"));
  if (const json* subject = TRY(json_fields::object(document, "subject"))) {
    manifest.subject = TRY(parse_descriptor(*subject).context("subject"));
  }
  if (manifest.media_type.empty()) {  // optional in OCI's 1.0
    manifest.media_type = media_type::kOciManifest;
  }
  if (!is_manifest_type(manifest.media_type)) {
    return make_error(ErrorCode::InvalidInput, "\"mediaType\" is not that of a manifest: {}",
                      manifest.media_type);
  }
  return manifest;
}

Result<Index> read_index(std::string_view text) {
  const json document = TRY(json_fields::parse_object(text, kMaxManifestBytes));
  TRY(check_schema_version(document));
  Index index;
  index.media_type = TRY(json_fields::string(document, "mediaType"));
  for (const char* name : {"layers", "config"}) {
    if (json_fields::find(document, name) != nullptr) {
      return make_error(ErrorCode::InvalidInput, "an index must not have \"{}\"", name);
    }
  }
  index.manifests = TRY(parse_descriptors(document, "manifests"));
  index.annotations = TRY(json_fields::string_map(document, "annotations"));
  if (index.media_type.empty()) index.media_type = media_type::kOciIndex;
  if (!is_index_type(index.media_type)) {
    return make_error(ErrorCode::InvalidInput, "\"mediaType\" is not that of an index: {}",
                      index.media_type);
  }
  return index;
}

}  // namespace

bool is_index_type(std::string_view type) {
  return type == media_type::kOciIndex || type == media_type::kDockerManifestList;
}

bool is_manifest_type(std::string_view type) {
  return type == media_type::kOciManifest || type == media_type::kDockerManifest;
}

Result<Manifest> parse_manifest(std::string_view text) {
  return read_manifest(text).context("read image manifest");
}

Result<Index> parse_index(std::string_view text) {
  return read_index(text).context("read image index");
}

std::string to_json(const Manifest& manifest) {
  JsonWriter writer(kIndent);
  writer.begin_object();
  writer.key("schemaVersion").number(2);
  writer.optional("mediaType", manifest.media_type);
  writer.optional("artifactType", manifest.artifact_type);
  writer.key("config");
  write_descriptor(writer, manifest.config, manifest.config_data);
  writer.key("layers");
  write_descriptors(writer, manifest.layers);
  if (manifest.subject) {
    writer.key("subject");
    write_descriptor(writer, *manifest.subject);
  }
  writer.optional("annotations", manifest.annotations);
  writer.end_object();
  return writer.take();
}

std::string to_json(const Index& index) {
  JsonWriter writer(kIndent);
  writer.begin_object();
  writer.key("schemaVersion").number(2);
  writer.optional("mediaType", index.media_type);
  writer.key("manifests");
  write_descriptors(writer, index.manifests);
  writer.optional("annotations", index.annotations);
  writer.end_object();
  return writer.take();
}

std::string to_json(const Descriptor& descriptor) {
  JsonWriter writer;
  write_descriptor(writer, descriptor);
  return writer.take();
}

}  // namespace slipway
