// Blobs of images on their way into the content store. Several processes fetch each blob once.
#pragma once

#include <stop_token>
#include <string>

#include "oci/descriptor.h"
#include "progress/sink.h"
#include "source/blob_origin.h"
#include "store/store.h"

namespace slipway::source {

// A manifest, index or config: from the store, or from its origin into the store.
Result<std::string> ensure_small_blob(store::Store& store, BlobOrigin& origin,
                                      const Descriptor& wanted, std::stop_token stop);

// Any blob. Reports its bytes as they come, under the digest.
Status ensure_blob(store::Store& store, BlobOrigin& origin, const Descriptor& wanted,
                   progress::VertexReporter& reporter, std::stop_token stop);

}  // namespace slipway::source
