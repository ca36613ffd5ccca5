// SLSA provenance v1 of a build, in the form that BuildKit gives it (its docs/attestations/
// slsa-definitions.md): what went in, who built, when.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/planner.h"
#include "oci/descriptor.h"
#include "progress/event.h"

namespace slipway::cli {

inline constexpr char kProvenancePredicateType[] = "https://slsa.dev/provenance/v1";

struct ProvenanceOptions {
  // Build arguments, labels, the names of secrets, the steps and the Dockerfile are in it as well.
  bool max = false;
  std::string builder_id;
  bool reproducible = false;                  // the user says so
  bool inline_only = false;                   // not for outputs of files
  std::string file_name = "provenance.json";  // in an output of files
};

// The fields of --provenance and --attest type=provenance. Keys and versions that are not known are
// InvalidInput.
Result<ProvenanceOptions> parse_provenance(const bake::Fields& fields);

struct BuildFacts {
  std::string ref;
  progress::Time started;
  progress::Time finished;
};

// The predicate of one platform's image, which has these layers.
std::string provenance_predicate(const bake::Target& target, const dockerfile::Conversion& platform,
                                 const ProvenanceOptions& options, const BuildFacts& build,
                                 const std::vector<Descriptor>& layers);

}  // namespace slipway::cli
