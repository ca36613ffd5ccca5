#include "exporter/attestations.h"

#include "oci/json_writer.h"
#include "oci/manifest.h"
#include "oci/purl.h"

namespace slipway::exporter {
namespace {

constexpr char kStatementType[] = "https://in-toto.io/Statement/v1";
constexpr char kStatementMediaType[] = "application/vnd.in-toto+json";
constexpr char kEmptyConfig[] = "{}";
constexpr char kEmptyConfigType[] = "application/vnd.oci.empty.v1+json";
constexpr char kArtifactType[] = "application/vnd.docker.attestation.manifest.v1+json";
constexpr char kPredicateType[] = "in-toto.io/predicate-type";
constexpr char kReferenceType[] = "vnd.docker.reference.type";
constexpr char kReferenceDigest[] = "vnd.docker.reference.digest";

// in-toto attestation framework, spec/v1/statement: the image under each of its names.
std::string statement_json(const Attestation& attestation, const AssembledImage& image,
                           const std::vector<Reference>& names) {
  const Digest& digest = image.manifest.digest;
  JsonWriter json;
  json.begin_object();
  json.key("_type").string(kStatementType);
  json.key("predicateType").string(attestation.predicate_type);
  json.key("subject").begin_array();
  const auto add_subject = [&](const std::string& name) {
    json.begin_object();
    json.key("name").string(name);
    json.key("digest").map({{std::string(digest.algorithm()), std::string(digest.hex())}});
    json.end_object();
  };
  for (const Reference& name : names) add_subject(image_purl(name, image.manifest.platform).str());
  if (names.empty()) add_subject("_");
  json.end_array();
  json.key("predicate").raw(attestation.predicate);
  json.end_object();
  return json.take();
}

// What stands for an image's config: nothing, or (before OCI 1.1) one that no machine runs.
Result<Descriptor> put_config(const std::vector<Digest>& statements, bool as_artifact,
                              store::ContentStore& content) {
  if (as_artifact) return put_blob(content, kEmptyConfig, kEmptyConfigType);
  ImageConfig config;
  config.platform = {.os = "unknown", .architecture = "unknown"};
  config.diff_ids = statements;
  return put_blob(content, to_json(config), media_type::kOciConfig);
}

}  // namespace

Result<AssembledImage> assemble_attestations(const AssembledImage& image,
                                             const std::vector<Attestation>& attestations,
                                             const ImageOptions& options,
                                             store::ContentStore& content) {
  AssembledImage made;
  std::vector<Digest> statements;
  for (const Attestation& attestation : attestations) {
    Descriptor statement = TRY(
        put_blob(content, statement_json(attestation, image, options.names), kStatementMediaType));
    statement.annotations[kPredicateType] = attestation.predicate_type;
    statements.push_back(statement.digest);
    made.layers.push_back(std::move(statement));
  }
  made.config = TRY(put_config(statements, options.artifacts, content));
  Manifest manifest;
  manifest.media_type = media_type::kOciManifest;
  manifest.config = made.config;
  manifest.layers = made.layers;
  if (options.artifacts) {
    manifest.artifact_type = kArtifactType;
    manifest.config_data = kEmptyConfig;
    manifest.subject.emplace();
    manifest.subject->media_type = image.manifest.media_type;
    manifest.subject->digest = image.manifest.digest;
    manifest.subject->size = image.manifest.size;
  }
  made.manifest = TRY(put_blob(content, to_json(manifest), media_type::kOciManifest));
  made.manifest.platform = Platform{.os = "unknown", .architecture = "unknown"};
  made.manifest.annotations = {{kReferenceType, "attestation-manifest"},
                               {kReferenceDigest, image.manifest.digest.str()}};
  return made;
}

}  // namespace slipway::exporter
