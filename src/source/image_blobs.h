// Blobs of images on their way into the content store. Several processes fetch each blob once.
#pragma once

#include <functional>
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

// The name of the right to fetch a blob, which ensure_blob() claims.
std::string fetch_claim(const Descriptor& wanted);

// Fetches a blob into the store for whoever has that right. Reports its bytes as ensure_blob() and
// tells `on_bytes` how many have been written so far.
Status fetch_into(store::ContentWriter& writer, BlobOrigin& origin, const Descriptor& wanted,
                  progress::VertexReporter& reporter, std::stop_token stop,
                  const std::function<void(uint64_t written)>& on_bytes);

}  // namespace slipway::source
