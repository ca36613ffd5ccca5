// Attestations where BuildKit puts those of an output of files: each a file beside what it is
// about.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "exporter/exporter.h"

namespace slipway::exporter {

struct AttestationFileOptions {
  std::string prefix;    // attestation-prefix: what the names begin with
  std::string platform;  // "linux_arm64", where the names have to tell platforms apart
};

// Whether names can begin so; else InvalidInput.
Status check_attestation_prefix(const std::string& prefix);

// Writes the statements, for their owner only, into the empty directory `to`. They are about the
// regular files of `tree`, which have to be read for that. What they take the place of is a
// warning; two of one name are InvalidInput.
Status write_attestation_files(const std::vector<Attestation>& attestations,
                               const AttestationFileOptions& options,
                               const std::filesystem::path& tree, const std::filesystem::path& to,
                               const ExportContext& context);

}  // namespace slipway::exporter
