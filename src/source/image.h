// ImageSource: images by name, from a registry, the local store or an OCI layout. Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "oci/image_config.h"
#include "oci/manifest.h"
#include "oci/platform.h"
#include "oci/reference.h"
#include "registry/client.h"
#include "source/blob_origin.h"
#include "source/oci_layout.h"
#include "store/store.h"

namespace slipway::source {

enum class ResolveMode {
  Default,      // ask the registry; the local store when it has no such image or cannot be reached
  ForcePull,    // ask the registry only
  PreferLocal,  // the local store, else the registry
};

// An image for one platform: its manifest and config are in the content store, its layers may not
// be yet.
struct ResolvedImage {
  Descriptor target;               // what the name stands for: an index or the manifest
  Descriptor manifest_descriptor;  // of the platform
  Manifest manifest;
  ImageConfig config;
  std::string config_json;
  // Not empty: something the user should know ("cannot ask docker.io: ...; using the local image").
  std::string warning;
  // Where missing blobs come from; co-owned by all who hold this image.
  std::shared_ptr<BlobOrigin> origin;
};

class ImageSource {
 public:
  // Both must outlive it.
  ImageSource(store::Store& store, registry::Client& client) : store_(store), client_(client) {}

  // Each combination is looked up once in the life of this object; failures are not remembered. A
  // name with a digest whose manifest is in the store needs no registry.
  Result<ResolvedImage> resolve(const Reference& reference, const Platform& platform,
                                ResolveMode mode, std::stop_token stop);
  // The image of a layout under a tag (may be empty) or a digest ("sha256:...").
  Result<ResolvedImage> resolve(const std::shared_ptr<OciLayout>& layout,
                                const std::string& tag_or_digest, const Platform& platform,
                                std::stop_token stop);

 private:
  // One lookup; `mutex` is held while it is under way.
  struct Lookup {
    std::mutex mutex;
    std::optional<ResolvedImage> image;
  };
  struct Target {
    Descriptor descriptor;
    std::string warning;
  };

  Result<Target> find_target(const Reference& reference, ResolveMode mode, std::stop_token stop);
  Result<std::optional<Descriptor>> find_local(const Reference& reference);
  template <typename Find>
  Result<ResolvedImage> once(const std::string& key, Find find);
  Result<ResolvedImage> load(Target target, std::shared_ptr<BlobOrigin> origin,
                             const Platform& platform, std::stop_token stop);

  store::Store& store_;
  registry::Client& client_;
  // Lookups are co-owned by the map and by the callers that wait for them.
  Guarded<std::map<std::string, std::shared_ptr<Lookup>>> lookups_;
};

// The manifest of an index that serves `platform` best. NotFound, naming what there is.
Result<Descriptor> select_platform(const Index& index, const Platform& platform);

}  // namespace slipway::source
