// Pushing an image: what the registry lacks, in parallel; manifests last.
#pragma once

#include <stop_token>
#include <vector>

#include "base/result.h"
#include "oci/descriptor.h"
#include "oci/reference.h"
#include "progress/sink.h"
#include "registry/client.h"
#include "store/content_store.h"

namespace slipway::exporter {

struct PushOptions {
  // Images that layers came from (base images). Repositories of the same registry are mounted from;
  // layers that the content store lacks are fetched from any of them.
  std::vector<Reference> sources;
  size_t parallel = 4;  // transfers at the same time
};

// Pushes the manifest or index `target` with everything it refers to, under `name`'s tag (or its
// digest when it has none). An image that is there already costs one request. Images that are
// pushed at the same time through one client share their layers' uploads.
Status push_image(store::ContentStore& content, registry::Client& client, const Descriptor& target,
                  const Reference& name, const PushOptions& options,
                  progress::VertexReporter& reporter, std::stop_token stop);

}  // namespace slipway::exporter
