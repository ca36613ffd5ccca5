#include "exporter/attestations.h"

#include "exporter/statement.h"
#include "oci/manifest.h"
#include "oci/purl.h"

namespace slipway::exporter {
namespace {

constexpr char kStatementMediaType[] = "application/vnd.in-toto+json";
constexpr char kEmptyConfig[] = "{}";
constexpr char kEmptyConfigType[] = "application/vnd.oci.empty.v1+json";
constexpr char kArtifactType[] = "application/vnd.docker.attestation.manifest.v1+json";
constexpr char kPredicateType[] = "in-toto.io/predicate-type";
constexpr char kReferenceType[] = "vnd.docker.reference.type";
constexpr char kReferenceDigest[] = "vnd.docker.reference.digest";

// The image under each of its names.
std::vector<Subject> subjects_of(const AssembledImage& image, const std::vector<Reference>& names) {
  const Descriptor& manifest = image.manifest;
  std::vector<Subject> subjects;
  for (const Reference& name : names) {
    subjects.push_back({image_purl(name, manifest.platform).str(), manifest.digest});
  }
  if (names.empty()) subjects.push_back({"_", manifest.digest});
  return subjects;
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
  const std::vector<Subject> subjects = subjects_of(image, options.names);
  std::vector<Digest> statements;
  for (const Attestation& attestation : attestations) {
    Descriptor statement =
        TRY(put_blob(content, statement_json(attestation, subjects, 0), kStatementMediaType));
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
