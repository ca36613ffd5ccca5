// What --provenance, --sbom and --attest ask for, made.
#pragma once

#include <optional>
#include <stop_token>

#include "cli/planner.h"
#include "cli/provenance.h"
#include "exporter/exporter.h"

namespace slipway::cli {

struct WantedAttestations {
  std::optional<ProvenanceOptions> provenance;
  bool sbom = false;

  bool any() const { return provenance.has_value() || sbom; }
};

// Types and keys that are not known are InvalidInput. Nothing is wanted where nothing is asked for.
Result<WantedAttestations> wanted_attestations(const bake::Target& target);

// One platform's image, to be attested to.
struct AttestedImage {
  const bake::Target& target;
  const dockerfile::Conversion& platform;
  store::SnapshotId snapshot;  // for an SBOM
};

// In BuildKit's order. What the packages' databases hide is a warning.
Result<std::vector<exporter::Attestation>> make_attestations(
    const WantedAttestations& wanted, const AttestedImage& image, const BuildFacts& build,
    const std::vector<Descriptor>& layers, store::Store& store, progress::VertexReporter& reporter,
    std::stop_token stop);

}  // namespace slipway::cli
