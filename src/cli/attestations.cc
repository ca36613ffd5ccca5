#include "cli/attestations.h"

#include "base/values.h"
#include "cli/version.h"
#include "exporter/mounted_result.h"
#include "packages/scan.h"
#include "packages/spdx.h"

namespace slipway::cli {
namespace {

Status check_sbom(const bake::Fields& fields) {
  for (const auto& [key, value] : fields) {
    if (key == "type" || key == "disabled") continue;
    if (key == "generator") {
      return make_error(ErrorCode::Unsupported, "sbom: generator {}: other generators do not run",
                        value)
          .with_hint("without it the SBOM lists the packages of dpkg, apk, rpm, Python and npm");
    }
    return make_error(ErrorCode::InvalidInput, "sbom: unknown option \"{}\"", key);
  }
  return {};
}

// When the image last changed: an unchanged image has an unchanged SBOM.
int64_t time_of(const dockerfile::Conversion& platform, store::SnapshotId snapshot,
                store::Store& store) {
  if (platform.epoch) return *platform.epoch;
  if (snapshot.is_scratch()) return 0;
  const Result<int64_t> created = store.snapshotter().created(snapshot);
  return created ? *created / 1'000'000 : 0;
}

Result<exporter::Attestation> make_sbom(const AttestedImage& image, store::Store& store,
                                        progress::VertexReporter& reporter, std::stop_token stop) {
  const progress::Time started = std::chrono::system_clock::now();
  reporter.status("listing packages", 0, 0, started, false);
  const exporter::MountedResult mounted = TRY(exporter::MountedResult::open(store, image.snapshot));
  const packages::Inventory inventory =
      TRY(packages::scan_packages(mounted.path(), std::move(stop)).context("make an SBOM"));
  for (const std::string& warning : inventory.warnings) reporter.warn("SBOM: " + warning);
  const packages::SpdxOptions options{.name = "sbom",
                                      .creator = std::string("slipway-") + kVersion,
                                      .created = time_of(image.platform, image.snapshot, store)};
  reporter.status("listing packages", 0, 0, started, true);
  return exporter::Attestation{.predicate_type = packages::kSpdxPredicateType,
                               .predicate = packages::spdx_document(inventory, options),
                               .file_name = "sbom.spdx.json"};
}

}  // namespace

Result<WantedAttestations> wanted_attestations(const bake::Target& target) {
  WantedAttestations wanted;
  for (const bake::Fields& fields : target.attest) {
    const auto disabled = fields.find("disabled");
    if (disabled != fields.end() && TRY(parse_bool(disabled->second))) continue;
    const std::string& type = fields.at("type");
    if (type == "provenance") {
      wanted.provenance = TRY(parse_provenance(fields));
    } else if (type == "sbom") {
      TRY(check_sbom(fields));
      wanted.sbom = true;
    } else {
      return make_error(ErrorCode::InvalidInput, "unknown attestation type \"{}\"{}", type,
                        did_you_mean(type, {"provenance", "sbom"}));
    }
  }
  return wanted;
}

Result<std::vector<exporter::Attestation>> make_attestations(
    const WantedAttestations& wanted, const AttestedImage& image, const BuildFacts& build,
    const std::vector<Descriptor>& layers, store::Store& store, progress::VertexReporter& reporter,
    std::stop_token stop) {
  std::vector<exporter::Attestation> made;
  if (wanted.sbom) made.push_back(TRY(make_sbom(image, store, reporter, std::move(stop))));
  if (wanted.provenance) {
    made.push_back({.predicate_type = kProvenancePredicateType,
                    .predicate = provenance_predicate(image.target, image.platform,
                                                      *wanted.provenance, build, layers),
                    .file_name = wanted.provenance->file_name,
                    .inline_only = wanted.provenance->inline_only});
  }
  return made;
}

}  // namespace slipway::cli
