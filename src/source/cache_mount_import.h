// Cache mounts from artifacts (oci/cache_mount_artifact.h) into the store.
#pragma once

#include <memory>
#include <stop_token>
#include <vector>

#include "oci/cache_mount_artifact.h"
#include "progress/sink.h"
#include "source/blob_origin.h"
#include "store/whole_caches.h"

namespace slipway::source {

// The caches of the artifact that `target` stands for. InvalidInput when it is anything else.
Result<std::vector<PackedCacheMount>> read_cache_mounts(BlobOrigin& origin,
                                                        const Descriptor& target,
                                                        std::stop_token stop);

// Fetches the chunks that the content store lacks, verified, and makes them a cache mount. Where
// one of that id and base is there already, `existing` says what becomes of it; merging keeps every
// path that it has. Nobody sees half of an import. False: one is there and was kept.
Result<bool> import_cache_mount(store::Store& store, BlobOrigin& origin,
                                const PackedCacheMount& mount, store::ExistingCache existing,
                                progress::VertexReporter& reporter, std::stop_token stop);

// The content store as an origin: of blobs that came with an archive.
class StoredBlobs final : public BlobOrigin {
 public:
  explicit StoredBlobs(store::Store& store) : store_(store) {}
  std::string name() const override { return "the archive"; }
  Result<std::string> read(const Descriptor& wanted, std::stop_token stop) override;
  Status copy(const Descriptor& wanted, BlobSink& sink, std::stop_token stop) override;

 private:
  store::Store& store_;
};

}  // namespace slipway::source
