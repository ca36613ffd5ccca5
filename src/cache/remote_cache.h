// Remote caches as they are found in registries and layouts: from a manifest to the graph of keys.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cache/key_graph.h"
#include "oci/descriptor.h"

namespace slipway::cache {

// Reads a manifest, index or config of the place where the cache lies, verified.
using ReadSmallBlob = std::function<Result<std::string>(const Descriptor& wanted)>;

// The caches that `target` stands for: a cache manifest (BuildKit's image manifest or index), or
// the inline caches of an image, one for each platform. Empty when the image has none. The media
// type of `target` may be missing.
Result<std::vector<KeyGraph>> load_remote_cache(const Descriptor& target,
                                                const ReadSmallBlob& read);

// The inline cache of one image; nullopt when its config has none.
Result<std::optional<KeyGraph>> parse_inline_cache(const std::vector<Descriptor>& layers,
                                                   std::string_view config_json);

}  // namespace slipway::cache
