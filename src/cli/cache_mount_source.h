// Where cache mounts come from: an artifact in a registry, a layout or an archive.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "cli/cache_options.h"
#include "oci/cache_mount_artifact.h"
#include "progress/sink.h"
#include "registry/client.h"
#include "source/blob_origin.h"
#include "store/store.h"

namespace slipway::cli {

struct CacheMountSource {
  std::shared_ptr<source::BlobOrigin> origin;  // co-owned by those who import later
  std::vector<PackedCacheMount> mounts;
  std::optional<Reference> registry;  // where it is one
  Digest manifest;
};

// The tag of the cache mounts that travel with a build cache of this tag. Not a part of the cache
// itself, because BuildKit would have to skip it; not found by digest, because a plain registry
// neither finds nor keeps what has no tag.
std::string cache_mounts_tag(const std::string& tag);
// The same for a whole name; nullopt for one that is given by digest.
std::optional<Reference> cache_mounts_reference(const Reference& cache);

// NotFound where there is none, InvalidInput where something else is. `client` outlives the source.
Result<CacheMountSource> registry_cache_mounts(const Reference& reference, registry::Client& client,
                                               std::stop_token stop);
Result<CacheMountSource> layout_cache_mounts(const std::filesystem::path& directory,
                                             const std::string& tag, std::stop_token stop);

// What `import` is given: a file or directory, or else the name of an artifact or of a build cache
// with cache mounts beside it. All that a file or directory holds.
Result<std::vector<CacheMountSource>> open_cache_mounts(
    const std::string& text, const std::filesystem::path& base, store::Store& store,
    registry::Client& client, progress::VertexReporter& reporter, std::stop_token stop);

}  // namespace slipway::cli
