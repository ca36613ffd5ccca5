// Attestations where BuildKit stores them: a manifest beside the image's in an index, with an
// in-toto statement as each of its layers.
#pragma once

#include <vector>

#include "exporter/exporter.h"
#include "exporter/image_assembly.h"
#include "exporter/image_options.h"

namespace slipway::exporter {

// Puts the statements about `image` and their manifest into the content store. The descriptor of
// the manifest has the annotations that name the image, and the platform "unknown/unknown".
Result<AssembledImage> assemble_attestations(const AssembledImage& image,
                                             const std::vector<Attestation>& attestations,
                                             const ImageOptions& options,
                                             store::ContentStore& content);

}  // namespace slipway::exporter
